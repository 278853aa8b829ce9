// Inverse cloze task (Lee et al. 2019, "Latent Retrieval for Weakly Supervised Open Domain Question Answering", section 5): a sentence asks,
// the rest of its passage answers. For text without titles or headings. The sentence is always taken out: what is left to learn is topic, not equality.

using System.IO.Hashing;
using System.Text;
using BgeSharp.Text;

namespace BgeSharp.Training.Data.Miners;

/// <summary>A sentence asks, the passage it was taken from answers.</summary>
public sealed class InverseClozeMiner(MiningOptions options) : IPairMiner
{
    private const int ShortestSentence = 6; // words, and it ends like a sentence: entries of lists and tables ask nothing

    /// <inheritdoc/>
    public string Name => "inverse-cloze";

    /// <inheritdoc/>
    public IEnumerable<TrainingExample> Mine(Document document)
    {
        ulong seed = XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(document.Id), options.Seed);
        List<string> chunks = [.. TextChunks.Of(document, options.PassageCharacters, withTitle: false)];
        // Evenly spaced over a long document, so that its end is learned too.
        int count = Math.Min(options.ClozePairsPerDocument, chunks.Count);
        for (int i = 0; i < count; i++)
        {
            int index = (int)((long)i * chunks.Count / count);
            if (Draw(chunks[index], Mix(seed + (ulong)index)) is var (query, passage))
            {
                yield return new TrainingExample(query, [passage], []) { Miner = Name, Group = document.Group };
            }
        }
    }

    private (string Query, string Passage)? Draw(string chunk, ulong random)
    {
        List<string> sentences = [.. Sentences.Split(chunk)];
        List<int> candidates = [.. Enumerable.Range(0, sentences.Count).Where(i => sentences[i].Length <= options.QueryCharacters && Script.Words(sentences[i]) >= ShortestSentence && Sentences.EndsSentence(sentences[i]))];
        if (sentences.Count < 2 || candidates.Count == 0)
        {
            return null;
        }
        string query = sentences[candidates[(int)(random % (ulong)candidates.Count)]];
        string rest = chunk.Replace(query, "", StringComparison.Ordinal);
        return (query, Paragraphs(rest));
    }

    private static string Paragraphs(string text) => string.Join('\n', text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));

    // splitmix64's finisher: neighbouring seeds give unrelated numbers.
    private static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
