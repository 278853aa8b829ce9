// Questions and their answers: headings that ask, "Q: / A:" and "问：/ 答：" layouts, and lines that are one question and nothing else.
// Questions inside running text are left alone: most are rhetorical.

using System.Text.RegularExpressions;
using BgeSharp.Text;

namespace BgeSharp.Training.Data.Miners;

/// <summary>A question asks, the text after it answers.</summary>
public sealed partial class QuestionAnswerMiner(MiningOptions options) : IPairMiner
{
    private const int ShortestLine = 6, LongestLine = 80; // a question that is a line of its own, in words and characters

    /// <inheritdoc/>
    public string Name => "question-answer";

    /// <inheritdoc/>
    public IEnumerable<TrainingExample> Mine(Document document)
    {
        for (int i = 0; i < document.Sections.Count; i++)
        {
            string heading = Label().Replace(Headings.Plain(document.Sections[i].Heading), "");
            if (IsQuestion(heading))
            {
                string query = Headings.ExplainsItself(heading) ? heading : Headings.Query(document, i);
                string answer = AnswerLabel().Replace(Passages.Section(document, i, options), "");
                if (query.Length > 0)
                {
                    yield return Pair(document, query, answer);
                }
            }
            foreach (TrainingExample pair in Lines(document, document.Sections[i].Text))
            {
                yield return pair;
            }
        }
    }

    /// <summary>Whether a heading asks: a question mark at its end, or a question word at its beginning ("if", "do", "can" are keywords as often as questions and need the mark).</summary>
    public static bool IsQuestion(string heading) => heading.Length > 0 && (heading[^1] is '?' or '？' || QuestionWord().IsMatch(heading));

    private IEnumerable<TrainingExample> Lines(Document document, string text)
    {
        if (text.AsSpan().IndexOfAny('?', '？') < 0 && !Label().IsMatch(text))
        {
            yield break;
        }
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            bool labelled = Label().IsMatch(lines[i]) && i + 1 < lines.Length && AnswerLabel().IsMatch(lines[i + 1]);
            if (!labelled && !StandsAlone(lines[i]))
            {
                continue;
            }
            string question = Label().Replace(lines[i], "");
            int end = i + 1;
            while (end < lines.Length && !StandsAlone(lines[end]) && !Label().IsMatch(lines[end]))
            {
                end++;
            }
            string answer = AnswerLabel().Replace(string.Join('\n', lines[(i + 1)..end]), "");
            yield return Pair(document, question, Sentences.Cut(answer, options.PassageCharacters));
            i = end - 1;
        }
    }

    private static bool StandsAlone(string line)
    {
        string plain = Label().Replace(line, "");
        return plain.Length is > 0 and <= LongestLine && plain[^1] is '?' or '？' && Script.Words(plain) >= ShortestLine && Sentences.NextEnd(plain, 0) == plain.Length;
    }

    private TrainingExample Pair(Document document, string question, string answer) =>
        new(question.Trim(), [answer.Trim()], []) { Miner = Name, Group = document.Group };

    [GeneratedRegex(@"^\s*(?:Q\s*\d*|Question\s*\d*|问题?\s*\d*|提问)\s*[:：.．、]\s*", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Label();

    [GeneratedRegex(@"^\s*(?:A\s*\d*|Answer\s*\d*|答案?|回答|解答)\s*[:：.．、]\s*", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex AnswerLabel();

    [GeneratedRegex(@"^(?:如何|怎么|怎样|怎么样|为什么|为何|什么是|什么时候|何时|哪些|哪个|是否|能否|可否|有没有|(?:how|what|why|when|where|which|who|whose)\s)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex QuestionWord();
}
