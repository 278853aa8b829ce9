// The passage side of pairs: the text under a heading or the beginning of a document, cut to size, without the query repeated at its head.

using System.Text;
using BgeSharp.Text;

namespace BgeSharp.Training.Data.Miners;

/// <summary>Cuts passages out of documents.</summary>
internal static class Passages
{
    // A first paragraph at least this long stands for the document; a shorter one is continued with what follows.
    private const int IntroductionCharacters = 80;

    /// <summary>The beginning of a document: text before the second heading when that is enough, else as much as fits; the title at its head left out.</summary>
    public static string Beginning(Document document, MiningOptions options)
    {
        var text = new StringBuilder();
        foreach (Section section in document.Sections)
        {
            if (text.Length >= IntroductionCharacters || text.Length > options.PassageCharacters)
            {
                break;
            }
            Append(text, section, withHeading: text.Length > 0 || section.Level > 0);
        }
        return Sentences.Cut(Without(text.ToString(), document.Title), options.PassageCharacters);
    }

    /// <summary>Text of section <paramref name="index"/>; when it has hardly any of its own, with its subsections.</summary>
    public static string Section(Document document, int index, MiningOptions options)
    {
        Section own = document.Sections[index];
        var text = new StringBuilder(Without(own.Text, own.Heading));
        for (int i = index + 1; i < document.Sections.Count && text.Length < options.MinPassageCharacters * 2; i++)
        {
            if (document.Sections[i].Level <= own.Level)
            {
                break;
            }
            Append(text, document.Sections[i], withHeading: true);
        }
        return Sentences.Cut(text.ToString(), options.PassageCharacters);
    }

    /// <summary>The text without a title repeated at its head.</summary>
    public static string Without(string text, string title)
    {
        if (title.Length == 0 || !text.StartsWith(title, StringComparison.Ordinal))
        {
            return text;
        }
        // Only when it stands alone: "倍增法" at the head of "倍增法是..." is the subject of a sentence.
        string rest = text[title.Length..];
        return rest.Length > 0 && rest[0] is '\n' or '。' or '：' or ':' ? rest.TrimStart('\n', '。', '：', ':', ' ') : text;
    }

    private static void Append(StringBuilder text, Section section, bool withHeading)
    {
        foreach (string part in (ReadOnlySpan<string>)[withHeading ? section.Heading : "", section.Text])
        {
            if (part.Length > 0)
            {
                text.Append(text.Length > 0 ? "\n" : "").Append(part);
            }
        }
    }
}
