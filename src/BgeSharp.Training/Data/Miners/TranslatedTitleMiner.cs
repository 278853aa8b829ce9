// Title ↔ the same title in another language, for sources whose rows have both. Teaches words across languages where bitexts are scarce; short on both
// sides, so a small share of a mix.

using BgeSharp.Text;

namespace BgeSharp.Training.Data.Miners;

/// <summary>A title asks for its translation.</summary>
public sealed class TranslatedTitleMiner(MiningOptions options) : IPairMiner
{
    /// <inheritdoc/>
    public string Name => "translated-title";

    /// <inheritdoc/>
    public IEnumerable<TrainingExample> Mine(Document document)
    {
        string title = Headings.Plain(document.Title), other = document.TranslatedTitle ?? "";
        // A title that nobody translated is no translation; one word in common is.
        bool translated = title.Length > 0 && other.Length > 0 && Math.Abs(Script.HanShare(title) - Script.HanShare(other)) > 0.2;
        if (translated && Script.Words(title) >= options.MinQueryWords && Script.Words(other) >= options.MinQueryWords)
        {
            string from = Script.GuessLanguage([other]) is "und" ? "en" : Script.GuessLanguage([other]);
            yield return new TrainingExample(other, [title], []) { Miner = Name, Group = document.Group, Language = $"{from}>{document.Language}" };
        }
    }
}
