using BgeSharp.Embeddings;
using BgeSharp.Retrieval;
using BgeSharp.Retrieval.Embedded;
using BgeSharp.Tests.Formats;
using CsCheck;

namespace BgeSharp.Tests.Retrieval.Embedded;

public class EmbeddedCorpusTests
{
    private static M3Embedding Embed(string text) => new(
        [text.Length, text[0]],
        text.Distinct().ToDictionary(c => (int)c, c => c / 100f),
        [.. text.Select(c => new[] { (float)c, 1, 2 })]);

    private static readonly string[] s_texts = ["abc", "d", "eeff", "xyz", "q", "rst", "uuu"];

    [Fact]
    public void An_interrupted_embedding_goes_on_where_it_stopped_and_gives_the_same()
    {
        using var folder = new ScratchFolder();
        int calls = 0;
        IEnumerable<M3Embedding> Encode(IReadOnlyList<string> texts) => ++calls == 3 ? throw new IOException("power cut") : texts.Select(Embed);
        Assert.Throws<IOException>(() => EmbeddedCorpus.InFolder(folder["i"], s_texts, "k", Encode, shardTexts: 2));
        using var corpus = EmbeddedCorpus.InFolder(folder["i"], s_texts, "k", Encode, shardTexts: 2);
        Assert.Equal((2, 5, 7), (corpus.ReusedShards, calls, corpus.Count));
        Same(EmbeddedCorpus.InMemory(s_texts.Select(Embed), 3), corpus);
    }

    [Fact]
    public void Damaged_and_changed_shards_are_made_anew_and_those_beyond_the_corpus_go()
    {
        using var folder = new ScratchFolder();
        EmbeddedCorpus.InFolder(folder["i"], s_texts, "k", t => t.Select(Embed), shardTexts: 2).Dispose();
        string second = Path.Combine(folder["i"], "embeddings-00001.safetensors");
        File.WriteAllBytes(second, File.ReadAllBytes(second)[..50]);
        string[] changed = [.. s_texts[..4].Select(t => t == "abc" ? "abd" : t)];
        using var corpus = EmbeddedCorpus.InFolder(folder["i"], changed, "k", t => t.Select(Embed), shardTexts: 2);
        Assert.Equal((0, 4, 2), (corpus.ReusedShards, corpus.Count, Directory.GetFiles(folder["i"]).Length));
        Same(EmbeddedCorpus.InMemory(changed.Select(Embed)), corpus);
    }

    [Fact]
    public void An_empty_corpus_is_a_corpus()
    {
        using var corpus = EmbeddedCorpus.InMemory([]);
        Assert.Equal(0, corpus.Count);
        Assert.Empty(corpus.Sparse.Search([new WeightedTerm(1, 1)], 5));
    }

    [Fact]
    public void Segments_do_not_change_what_is_found() =>
        Gen.Select(Gen.Int[1, 5].Array[1, 6], Gen.Int).Sample((sizes, seed) =>
        {
            const int Dimension = 3;
            var random = new Random(seed);
            float[] all = [.. Enumerable.Range(0, sizes.Sum() * Dimension).Select(_ => (float)random.Next(-3, 4))];
            var segments = new List<ReadOnlyMemory<float>> { default };
            int at = 0;
            foreach (int size in sizes)
            {
                segments.Add(all.AsMemory(at * Dimension, size * Dimension));
                at += size;
            }
            float[] queries = [1, 2, -1, 0, 0, 1];
            var split = DenseIndex.OfSegments(segments, Dimension);
            Assert.Equal(new DenseIndex(all, Dimension).SearchAll(queries, 7), split.SearchAll(queries, 7));
            Assert.All(Enumerable.Range(0, at), r => Assert.Equal(all[(r * Dimension)..((r + 1) * Dimension)], split[r].ToArray()));
        }, iter: 100);

    [Fact]
    public void MaxSim_is_the_mean_of_the_best_partners() =>
        Gen.Select(Gen.Int[0, 7], Gen.Int[0, 9], Gen.Int[1, 20], Gen.Int).Sample((n, m, c, seed) =>
        {
            var random = new Random(seed);
            float[][] Rows(int count) => [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, c).Select(_ => random.NextSingle() - 0.5f).ToArray())];
            float[][] query = Rows(n), passage = Rows(m);
            double expected = EmbeddingScores.MultiVector(new M3Embedding(null, null, query), new M3Embedding(null, null, passage));
            Assert.Equal(expected, MaxSim.Score([.. query.SelectMany(r => r)], [.. passage.SelectMany(r => r)], c), 1e-4);
        }, iter: 100);

    [Fact]
    public void Fusion_agrees_with_pencil_and_paper()
    {
        SearchHit[] one = [new(7, 3), new(2, 1)], other = [new(2, 30), new(9, 10)];
        Assert.Equal([2, 7, 9], RankFusion.ByRank([one, other], 5).Select(h => h.Row));
        Assert.Equal((1 / 62.0) + (1 / 61.0), RankFusion.ByRank([one, other], 1)[0].Score, 6);
        // Scaled: 7 → 1 and 0, 2 → 0 and 1, 9 → 0 and 0.
        Assert.Equal([new SearchHit(7, 2), new SearchHit(2, 1), new SearchHit(9, 0)], RankFusion.ByScore([one, other], [2, 1], 5));
    }

    private static void Same(EmbeddedCorpus expected, EmbeddedCorpus actual)
    {
        for (int row = 0; row < expected.Count; row++)
        {
            Assert.Equal(expected.Dense![row].ToArray(), actual.Dense![row].ToArray());
            Assert.Equal(expected.TermsOf(row).Terms.ToArray(), actual.TermsOf(row).Terms.ToArray());
            Assert.Equal(expected.TermsOf(row).Weights.ToArray(), actual.TermsOf(row).Weights.ToArray());
            Assert.Equal(expected.VectorsOf(row).ToArray(), actual.VectorsOf(row).ToArray());
        }
        Assert.Equal(expected.Sparse.Search([new WeightedTerm('e', 1), new WeightedTerm('u', 2)], 5), actual.Sparse.Search([new WeightedTerm('e', 1), new WeightedTerm('u', 2)], 5));
    }
}
