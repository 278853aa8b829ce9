// Independent cropping (Izacard et al. 2022, "Unsupervised Dense Information Retrieval with Contrastive Learning", section 3.1): two spans of one passage
// drawn at random are a pair. For text without any structure. The spans may overlap, so words in common help; crops end where sentences or words do.

using System.IO.Hashing;
using System.Text;
using BgeSharp.Text;

namespace BgeSharp.Training.Data.Miners;

/// <summary>A span of a passage asks for another span of it.</summary>
public sealed class RandomCropMiner(MiningOptions options) : IPairMiner
{
    private const double ShortestShare = 0.1, LongestShare = 0.5; // of the passage, as in the paper

    /// <inheritdoc/>
    public string Name => "random-crop";

    /// <inheritdoc/>
    public IEnumerable<TrainingExample> Mine(Document document)
    {
        ulong seed = XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(document.Id), options.Seed + 1L);
        List<(string Text, int Index)> chunks = [.. TextChunks.Of(document, options.PassageCharacters, withTitle: false).Select((c, i) => (c, i))];
        foreach ((string chunk, int index) in Spread.Over(chunks, options.ClozePairsPerDocument))
        {
            var random = new SeededRandom(seed + (ulong)index);
            string query = Crop(chunk, ref random, options.QueryCharacters), passage = Crop(chunk, ref random, options.PassageCharacters);
            if (query.Length > 0 && passage.Length > 0)
            {
                yield return new TrainingExample(query, [passage], []) { Miner = Name, Group = document.Group };
            }
        }
    }

    private static string Crop(string text, ref SeededRandom random, int longest)
    {
        int length = Math.Min(longest, (int)(text.Length * (ShortestShare + (random.NextDouble() * (LongestShare - ShortestShare)))));
        int start = random.Next(Math.Max(1, text.Length - length));
        while (start > 0 && start < text.Length && IsInside(text, start))
        {
            start--;
        }
        int end = Math.Min(text.Length, start + length);
        while (end > start && end < text.Length && IsInside(text, end))
        {
            end--;
        }
        return text[start..end].Trim().ReplaceLineEndings(" ");
    }

    // Between two letters of one Western word, or the halves of one character.
    private static bool IsInside(string text, int at) =>
        char.IsLowSurrogate(text[at]) || (char.IsLetterOrDigit(text[at]) && char.IsLetterOrDigit(text[at - 1]) && !Script.IsWide(text[at]) && !Script.IsWide(text[at - 1]));
}
