// What code does, said in words → the code. The words are the comment at the head of the block, else the sentence that leads to it (ends in a colon).
// The comment is taken out of the code, so that there is something to learn.

using System.Text.RegularExpressions;
using BgeSharp.Text;

namespace BgeSharp.Training.Data.Miners;

/// <summary>A comment asks, the code under it answers.</summary>
public sealed partial class CodeCommentMiner(MiningOptions options) : IPairMiner
{
    private const int LeastWords = 4, LeastCode = 40;

    /// <inheritdoc/>
    public string Name => "code-comment";

    /// <inheritdoc/>
    public IEnumerable<TrainingExample> Mine(Document document)
    {
        foreach (CodeBlock block in document.Code)
        {
            (string comment, string code) = Split(block.Text);
            string query = Script.Words(comment) >= LeastWords ? comment : block.Lead is [.., ':' or '：'] lead ? lead.TrimEnd(':', '：') : "";
            code = (Script.Words(comment) >= LeastWords ? code : block.Text).Trim('\n');
            if (Script.Words(query) >= LeastWords && code.Length >= LeastCode)
            {
                yield return new TrainingExample(PageLine(query), [code.Length <= options.PassageCharacters ? code : Lines(code)], []) { Miner = Name, Group = document.Group };
            }
        }
    }

    private static (string Comment, string Code) Split(string code)
    {
        Match head = Head().Match(code);
        return head.Success ? (Marks().Replace(head.Value, " "), code[head.Length..]) : ("", code);
    }

    private static string PageLine(string comment) => string.Join(' ', comment.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    // Code is cut between lines.
    private string Lines(string code)
    {
        int end = code.LastIndexOf('\n', options.PassageCharacters);
        return end > 0 ? code[..end] : code[..options.PassageCharacters];
    }

    [GeneratedRegex(@"^(?:\s*(?://|#(?!include|!|define|pragma|if)|--|%).*\n)+|^\s*/\*[\s\S]*?\*/|^\s*(?:""""""|''')[\s\S]*?(?:""""""|''')", RegexOptions.CultureInvariant)]
    private static partial Regex Head();

    [GeneratedRegex(@"^[ \t]*(?://+!?|#+|--+|%+|/\*+!?|\*+/|\*|""""""|''')|(?<!\*)\*+/\s*$|(?:""""""|''')\s*$", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Marks();
}
