using System.Globalization;
using BgeSharp.Embeddings;
using BgeSharp.Training.Modeling;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Modeling;

[Trait("Category", "Golden")]
public sealed class GoldenM3InferenceTests
{
    private const double Tolerance = 2e-5;

    [Fact]
    public void Embeddings_and_scores_are_the_reference_s()
    {
        using var scope = NewDisposeScope();
        using var golden = GoldenCase.Open("m3_inference", "base", exact: false);
        int size = (int)golden.Shape("colbert_linear.weight")[0];
        using Weights weights = golden.LoadWeights(Encoder.Shapes("", golden.Config).Concat(M3Heads.Shapes(golden.Config, EmbeddingModes.All, size)));
        var heads = new M3Heads(weights, golden.Metadata["cls_eos_pad_unk_ids"].Split(',').Select(n => int.Parse(n, CultureInfo.InvariantCulture)));
        IEncoder encoder = new TorchEncoder(new Encoder(weights, "", golden.Config), Pooling.Cls, heads);
        M3Embedding[] queries = Encode("q"), passages = Encode("p");

        float[] dense = golden.Numbers("out.dense_similarity"), lexical = golden.Numbers("out.lexical_matching"), colbert = golden.Numbers("out.colbert_score");
        for (int i = 0; i < queries.Length; i++)
        {
            for (int j = 0; j < passages.Length; j++)
            {
                int at = (i * passages.Length) + j;
                Near(dense[at], EmbeddingScores.Dense(queries[i], passages[j]), "dense");
                Near(lexical[at], EmbeddingScores.Sparse(queries[i], passages[j]), "lexical");
                Near(colbert[at], EmbeddingScores.MultiVector(queries[i], passages[j]), "multi-vector");
            }
        }
        foreach ((string name, ScoreWeights joint) in new[] { ("w111", new ScoreWeights(1, 1, 1)), ("w424", new ScoreWeights(0.4, 0.2, 0.4)) })
        {
            int length = (int)golden.Shape("in.p.input_ids")[1];
            AssertScores(golden, $"out.score.{name}", [.. queries.Zip(passages, (q, p) => (q, p, length))], joint);
        }
        M3Embedding[] cut = EncodeIds("in.p_trunc12.input_ids", "in.p_trunc12.attention_mask");
        // Batches of three pairs: the fourth stands alone, and is padded to its own length only.
        int alone = cut[1].MultiVector!.Length + 1;
        AssertScores(golden, "out.score.trunc12", [(queries[0], cut[0], 12), (queries[0], cut[1], 12), (queries[1], cut[0], 12), (queries[1], cut[1], alone)], new ScoreWeights(0.4, 0.2, 0.4));

        M3Embedding[] Encode(string side)
        {
            M3Embedding[] all = EncodeIds($"in.{side}.input_ids", $"in.{side}.attention_mask");
            float[] vectors = golden.Numbers($"out.{side}.dense_vecs");
            Close(vectors, [.. all.SelectMany(e => e.Dense!)], side);
            for (int i = 0; i < all.Length; i++)
            {
                long[] ids = golden.Integers($"out.{side}.lexical.{i}.ids");
                Assert.Equal(ids, all[i].LexicalWeights!.Keys.Order().Select(k => (long)k));
                Close(golden.Numbers($"out.{side}.lexical.{i}.weights"), [.. ids.Select(id => all[i].LexicalWeights![(int)id])], "weights");
                Close(golden.Numbers($"out.{side}.colbert.{i}"), [.. all[i].MultiVector!.SelectMany(v => v)], "vectors");
            }
            return all;
        }

        M3Embedding[] EncodeIds(string ids, string mask) => encoder.Encode(golden.Pack(ids, mask), EmbeddingModes.All);
    }

    // compute_score pads: the zero vectors of padding take part in the maximum, so they are given as vectors of the passage.
    private static void AssertScores(GoldenCase golden, string name, (M3Embedding Query, M3Embedding Passage, int Length)[] pairs, ScoreWeights joint)
    {
        (string Name, EmbeddingModes Modes)[] kinds =
        [
            ("dense", EmbeddingModes.Dense), ("sparse", EmbeddingModes.Sparse), ("colbert", EmbeddingModes.MultiVector),
            ("sparse_dense", EmbeddingModes.Dense | EmbeddingModes.Sparse), ("colbert_sparse_dense", EmbeddingModes.All),
        ];
        foreach ((string kind, EmbeddingModes modes) in kinds)
        {
            float[] expected = golden.Numbers($"{name}.{kind}");
            for (int i = 0; i < pairs.Length; i++)
            {
                (M3Embedding query, M3Embedding passage, int length) = pairs[i];
                float[] zero = new float[passage.MultiVector![0].Length];
                M3Embedding padded = passage with { MultiVector = [.. passage.MultiVector, .. Enumerable.Repeat(zero, Math.Max(0, length - 1 - passage.MultiVector.Length))] };
                Near(expected[i], EmbeddingScores.Joint(query, padded, modes, joint), $"{name}.{kind}[{i}]");
            }
        }
    }

    private static void Close(float[] expected, float[] actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Near(expected[i], actual[i], what);
        }
    }

    private static void Near(double expected, double actual, string what) => Assert.True(Math.Abs(expected - actual) <= Tolerance, $"{what}: {expected} expected, {actual} computed");
}
