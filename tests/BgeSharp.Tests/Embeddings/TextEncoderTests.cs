using BgeSharp.Embeddings;
using BgeSharp.Text;

namespace BgeSharp.Tests.Embeddings;

public class TextEncoderTests
{
    /// <summary>One id a character; special tokens around.</summary>
    private sealed class CharacterTokenizer : ITokenizer
    {
        public int VocabularySize => 1 << 16;
        public SpecialTokens Special { get; } = new(0, 2, 1, 3, 4);
        public int[] Encode(string text) => [.. text.Select(c => (int)c)];
        public int[] EncodeWithSpecial(string text, int maxLength = int.MaxValue) => [0, .. Encode(text).Take(maxLength - 2), 2];
        public int[] EncodePair(string text, string pair, int maxLength = int.MaxValue) => throw new NotSupportedException();

        public TokenizedText EncodePair(string text, string pair, int maxLength, Truncation truncation) => throw new NotSupportedException();
        public string TokenOf(int id) => ((char)id).ToString();
        public bool ContinuesWord(int id) => false;
        public string Decode(ReadOnlySpan<int> ids) => throw new NotSupportedException();
        public void Save(string folder) => throw new NotSupportedException();
    }

    /// <summary>Counts of letters modulo 16, unit length; records the batches.</summary>
    private sealed class CountingEncoder : IEncoder
    {
        public List<(int Texts, int Tokens, int Longest)> Batches { get; } = [];
        public int Dimension => 16;
        public int MaxLength => 100;

        public M3Embedding[] Encode(TokenBatch batch)
        {
            Batches.Add((batch.Count, batch.TokenCount, batch.MaxLength));
            return [.. Enumerable.Range(0, batch.Count).Select(i =>
            {
                var vector = new float[16];
                foreach (int id in batch[i])
                {
                    vector[id % 16]++;
                }
                float norm = MathF.Sqrt(vector.Sum(v => v * v));
                return new M3Embedding([.. vector.Select(v => v / norm)]);
            })];
        }
    }

    [Fact]
    public void Embeddings_come_in_the_order_of_the_texts_and_batches_keep_the_budget()
    {
        var random = new Random(7);
        string[] texts = [.. Enumerable.Range(0, 200).Select(i => new string((char)('a' + (i % 26)), random.Next(0, 120)))];
        var encoder = new CountingEncoder();
        var progress = new List<int>();
        M3Embedding[] all = [.. new TextEncoder(encoder, new CharacterTokenizer()) { BatchTokens = 256, BatchTexts = 32, Window = 64 }.Encode(texts, 80, progress.Add)];
        Assert.Equal(texts.Length, all.Length);
        Assert.All(encoder.Batches, b => Assert.True(b.Texts * b.Longest <= 256 && b.Texts <= 32 && b.Longest <= 80));
        Assert.Equal(200, progress[^1]);
        Assert.Equal(progress.Order(), progress);
        for (int i = 0; i < texts.Length; i++)
        {
            M3Embedding alone = new CountingEncoder().Encode(TokenBatch.Of([new CharacterTokenizer().EncodeWithSpecial(texts[i], 80)]))[0];
            Assert.Equal(alone.Dense!, all[i].Dense!);
        }
    }

    [Fact]
    public void A_text_longer_than_the_budget_is_a_batch_of_its_own()
    {
        var encoder = new CountingEncoder();
        float[] vectors = new TextEncoder(encoder, new CharacterTokenizer()) { BatchTokens = 10 }.EncodeDense([new string('x', 50), "y"]);
        Assert.Equal(32, vectors.Length);
        Assert.Equal([(1, 52, 52), (1, 3, 3)], encoder.Batches);
    }

    [Fact]
    public void No_texts_give_no_vectors() => Assert.Empty(new TextEncoder(new CountingEncoder(), new CharacterTokenizer()).EncodeDense([]));
}
