// A model for tests: letters are tokens, vectors come from letter counts; it has all three outputs, so that every mode can be checked against brute force.

using BgeSharp.Embeddings;
using BgeSharp.Evaluation.Models;
using BgeSharp.Text;

namespace BgeSharp.Tests.Evaluation;

internal sealed class LetterTokenizer : ITokenizer
{
    public int VocabularySize => 1 << 16;
    public SpecialTokens Special { get; } = new(0, 2, 1, 3, 4);
    public int[] Encode(string text) => [.. text.Where(c => !char.IsWhiteSpace(c)).Select(c => (int)c)];
    public int[] EncodeWithSpecial(string text, int maxLength = int.MaxValue) => [0, .. Encode(text).Take(maxLength - 2), 2];
    public int[] EncodePair(string text, string pair, int maxLength = int.MaxValue) => throw new NotSupportedException();
    public TokenizedText EncodePair(string text, string pair, int maxLength, Truncation truncation) => throw new NotSupportedException();
    public string TokenOf(int id) => ((char)id).ToString();
    public bool ContinuesWord(int id) => false;
    public string Decode(ReadOnlySpan<int> ids) => throw new NotSupportedException();
    public void Save(string folder) => throw new NotSupportedException();
}

internal sealed class LetterEncoder(EmbeddingModes modes = EmbeddingModes.All) : IEncoder
{
    public int Texts { get; private set; }
    public int Dimension => 16;
    public int MaxLength => 1000;
    public EmbeddingModes Modes => modes;
    public M3Embedding[] Encode(TokenBatch batch) => Encode(batch, EmbeddingModes.Dense);

    public M3Embedding[] Encode(TokenBatch batch, EmbeddingModes outputs)
    {
        Texts += batch.Count;
        return [.. Enumerable.Range(0, batch.Count).Select(i => Of(batch[i].ToArray(), outputs))];
    }

    private static M3Embedding Of(int[] ids, EmbeddingModes outputs)
    {
        int[] letters = [.. ids.Where(id => id > 4)];
        return new M3Embedding(
            outputs.HasFlag(EmbeddingModes.Dense) ? Unit(letters) : null,
            outputs.HasFlag(EmbeddingModes.Sparse) ? letters.GroupBy(l => l).ToDictionary(g => g.Key, g => 0.1f * (1 + (g.Key % 7))) : null,
            outputs.HasFlag(EmbeddingModes.MultiVector) ? [.. letters.Select((l, i) => Unit(i > 0 ? [l, l, letters[i - 1]] : [l]))] : null);
    }

    private static float[] Unit(int[] letters)
    {
        var vector = new float[16];
        foreach (int letter in letters)
        {
            vector[letter % 16]++;
        }
        float norm = MathF.Sqrt(vector.Sum(v => v * v));
        return norm > 0 ? [.. vector.Select(v => v / norm)] : vector;
    }
}

internal static class LetterModel
{
    public static EvaluatedModel Create(EmbeddingModes modes = EmbeddingModes.All) => new(new LetterEncoder(modes), new LetterTokenizer());
}
