// A passage asks for the one after it. Neighbours share their topic and little of their wording (as in next-passage pre-training), and long text without
// headings has many. Harder than inverse cloze and looser: some neighbours do change the subject.

using BgeSharp.Text;

namespace BgeSharp.Training.Data.Miners;

/// <summary>The end of a passage asks, the passage after it answers.</summary>
public sealed class NeighbourMiner(MiningOptions options) : IPairMiner
{
    /// <inheritdoc/>
    public string Name => "neighbours";

    /// <inheritdoc/>
    public IEnumerable<TrainingExample> Mine(Document document)
    {
        // Within one section only: a heading is where the subject changes.
        List<string> chunks = [];
        foreach (Section section in document.Sections)
        {
            var own = new Document(document.Id, document.Language, "", [section with { Heading = "" }], document.Group);
            List<string> parts = [.. TextChunks.Of(own, options.PassageCharacters, withTitle: false)];
            chunks.AddRange(parts.Take(parts.Count - 1).Select((p, i) => p + '\0' + parts[i + 1]));
        }
        foreach (string pair in Spread.Over(chunks, options.ClozePairsPerDocument))
        {
            string[] sides = pair.Split('\0');
            string[] sentences = [.. Sentences.Split(sides[0])];
            string query = sentences.LastOrDefault(s => Script.Words(s) >= 6 && s.Length <= options.QueryCharacters && Sentences.EndsSentence(s)) ?? "";
            if (query.Length > 0)
            {
                yield return new TrainingExample(query, [sides[1]], []) { Miner = Name, Group = document.Group };
            }
        }
    }
}
