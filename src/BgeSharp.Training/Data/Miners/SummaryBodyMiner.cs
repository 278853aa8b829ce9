// Summary → beginning of the body. Summaries say in other words what the text says, which makes them better queries than titles and fewer.

using BgeSharp.Text;

namespace BgeSharp.Training.Data.Miners;

/// <summary>The summary asks, the beginning of the document answers.</summary>
public sealed class SummaryBodyMiner(MiningOptions options) : IPairMiner
{
    /// <inheritdoc/>
    public string Name => "summary-body";

    /// <inheritdoc/>
    public IEnumerable<TrainingExample> Mine(Document document)
    {
        if (document.Summary is not { Length: > 0 } summary || summary == document.Title)
        {
            yield break;
        }
        // A page that opens with its own summary would teach nothing but equality: the lines that repeat it go.
        string passage = Passages.Beginning(document, options);
        if (passage.Contains(summary, StringComparison.Ordinal))
        {
            passage = string.Join('\n', passage.Split('\n').Where(l => !l.Contains(summary, StringComparison.Ordinal)));
        }
        yield return new TrainingExample(Sentences.Cut(summary, options.QueryCharacters), [passage], []) { Miner = Name, Group = document.Group };
    }
}
