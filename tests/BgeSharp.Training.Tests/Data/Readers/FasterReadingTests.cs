// What reading does without copies gives what the plain way gives: the plain ways stand here, as they were before.

using System.Text;
using System.Text.RegularExpressions;
using BgeSharp.Text;
using BgeSharp.Training.Data.Readers;
using CsCheck;

namespace BgeSharp.Training.Tests.Data.Readers;

public class FasterReadingTests
{
    private static readonly Gen<string> Page = Gen.Select(OneOf(
        "", " ", "---", "+++", "...", "--- ", "title: 标题", "lang = \"zh\"", "Note: no key", "  - nested", "text of a page", "    indented", "\tby a tab", "a\tb",
        "```", "~~~~ cs", "   ```", "!!! note \"标题\"", "    !!! warning", "        two notes deep", "??? tip", "!!! a b;", "??? a-b c \"题\" ", "!!! \"a\" \"b\"", "!!! \"a\" b", "???+ - ", "=== \"C++\"", "> [!NOTE]", "::: tip", ":::", "{{< tab >}}", "{% raw %}", "> quote", ": term", "!image").Array[0, 14], OneOf("\n", "\r\n"), Gen.Bool).Select(t => string.Join(t.Item2, t.Item1) + (t.Item3 ? t.Item2 : ""));

    [Fact]
    public void Notes_are_flattened_as_line_by_line() =>
        Page.Sample((string page) => Admonitions.Flatten(page) == Flatten(page), iter: 20_000);

    [Fact]
    public void Front_matter_ends_where_it_does_in_a_list_of_lines() =>
        Page.Sample((string page) => FrontMatter.Split(page).Text == TextAfterMatter(page), iter: 20_000);

    [Fact]
    public void Every_character_counts_for_the_language_as_its_rune_does()
    {
        for (int c = 0; c < 0x33000; c++)
        {
            string text = c < 0x10000 ? ((char)c).ToString() : char.ConvertFromUtf32(c);
            Assert.True(Script.HanShare(text) == HanShare(text) && Script.GuessLanguage([text]) == Language(text), $"U+{c:X4}");
        }
        OneOf("中", "か", "한", "a", "é", "\ud840\udc00", "\ud840", "\udc00", "😀", "。", "1").Array[0, 40].Select(parts => string.Concat(parts))
            .Sample(text => Script.HanShare(text) == HanShare(text) && Script.GuessLanguage([text[..(text.Length / 2)], text[(text.Length / 2)..]]) == Language(text[..(text.Length / 2)], text[(text.Length / 2)..]));
    }

    [Fact]
    public void A_page_is_read_at_once_only_when_it_is_plain()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal("甲乙"u8.ToArray(), TextSource.TryReadPage(folder.Write("a.md", "甲乙")));
        Assert.Null(TextSource.TryReadPage(folder.Write("b.md", TemporaryFolder.Gzip("甲乙"))));
        Assert.Null(TextSource.TryReadPage(folder.Write("c.md", Encoding.Unicode.GetBytes("甲乙 and so on"))));
        Assert.Null(TextSource.TryReadPage(folder.Write("d.md", new string('a', 1 << 20))));
        Assert.Null(TextSource.TryReadPage(folder.Path + "/none.md"));
        Assert.Equal("甲乙", Utf8File.Text(folder.Write("e.md", "\ufeff甲乙")));
    }

    private static Gen<string> OneOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);

    private static double HanShare(string text)
    {
        Rune[] letters = [.. text.EnumerateRunes().Where(Rune.IsLetter)];
        return letters.Length == 0 ? 0 : (double)letters.Count(r => Script.IsHan(r.Value)) / letters.Length;
    }

    private static string Language(params string[] texts)
    {
        Rune[] letters = [.. texts.SelectMany(t => t.EnumerateRunes()).Where(Rune.IsLetter)];
        int Of(Func<int, bool> script) => letters.Count(r => script(r.Value));
        return Of(v => v is >= 0x3041 and <= 0x30FF) * 10 > letters.Length ? "ja"
            : Of(v => v is >= 0xAC00 and <= 0xD7A3) * 10 > letters.Length * 3 ? "ko"
            : Of(Script.IsHan) is var han && han > 0 && han * 10 >= letters.Length * 3 ? "zh" : "und";
    }

    private static string TextAfterMatter(string page)
    {
        string[] bare = ["title", "author", "authors", "description", "summary", "date", "tags", "lang", "language", "keywords", "page_author", "copyright"];
        string[] lines = page.ReplaceLineEndings("\n").Split('\n');
        string fence = lines[0].TrimEnd();
        int count = 0;
        if (fence is "---" or "+++")
        {
            count = Array.FindIndex(lines, 1, l => l.TrimEnd() == fence || (fence == "---" && l.TrimEnd() == "...")) + 1;
        }
        else
        {
            int blank = Array.FindIndex(lines, string.IsNullOrWhiteSpace) is int found and >= 0 ? found : lines.Length;
            count = lines.Take(blank).All(l => l.IndexOf(':', StringComparison.Ordinal) is int at && at > 0 && bare.Contains(l[..at].Trim())) ? blank : 0;
        }
        return string.Join('\n', lines[count..]);
    }

    private static string Flatten(string markdown)
    {
        var plain = new StringBuilder();
        var indents = new Stack<int>();
        string fence = "";
        foreach (string raw in markdown.Split('\n'))
        {
            string line = raw.Replace("\t", "    ", StringComparison.Ordinal);
            int indent = line.Length - line.TrimStart().Length;
            bool blank = indent == line.Length;
            while (fence.Length == 0 && !blank && indents.Count > 0 && indent < indents.Peek() + 4)
            {
                indents.Pop();
            }
            string own = line[Math.Min(indent, indents.Count > 0 ? indents.Peek() + 4 : 0)..];
            if (fence.Length > 0)
            {
                fence = own.TrimStart().StartsWith(fence, StringComparison.Ordinal) ? "" : fence;
            }
            else if (Regex.Match(own, "^ *(`{3,}|~{3,})") is { Success: true } opened)
            {
                fence = opened.Groups[1].Value;
            }
            else if (Regex.Match(own, """^\s*(?:(?:!!!|\?\?\?\+?)\s*(?:[\w-]+\s*)*(?:"(?<title>.*)")?|===\+?\s*".*")\s*$""") is { Success: true } note)
            {
                indents.Push(indent);
                plain.Append('\n').Append(note.Groups["title"].Value).Append("\n\n");
                continue;
            }
            else if (Regex.IsMatch(own, @"^\s*(?:>\s*\[!\w+\]|:::.*|\{\{[<%].*[>%]\}\}|\{%.*%\})\s*$"))
            {
                plain.Append('\n');
                continue;
            }
            plain.Append(own).Append('\n');
        }
        return plain.ToString();
    }
}
