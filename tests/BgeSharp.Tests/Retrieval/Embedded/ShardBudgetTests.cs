using System.Globalization;
using BgeSharp.Embeddings;
using BgeSharp.Formats;
using BgeSharp.Retrieval.Embedded;
using BgeSharp.Tests.Formats;
using CsCheck;

namespace BgeSharp.Tests.Retrieval.Embedded;

public class ShardBudgetTests
{
    // Numbers: 2 of the dense vector, 2 a different letter, 3 a letter.
    private static M3Embedding Embed(string text) => new(
        [text.Length, text[0]],
        text.Distinct().ToDictionary(c => (int)c, c => c / 100f),
        [.. text.Select(c => new[] { (float)c, 1, 2 })]);

    private static string[] Texts(IEnumerable<int> lengths, int seed)
    {
        var random = new Random(seed);
        return [.. lengths.Select(n => new string([.. Enumerable.Range(0, n).Select(_ => (char)('a' + random.Next(8)))]))];
    }

    private static string[] Texts(int count) => Texts(Enumerable.Range(0, count).Select(i => 1 + (i * 7 % 23)), count);

    private static long Numbers(IEnumerable<string> texts) => texts.Sum(t => EmbeddingShard.NumbersOf(Embed(t)));

    private static string[] Files(string folder) => [.. Directory.GetFiles(folder).Order(StringComparer.Ordinal)];

    private static int[] Counts(string folder) => [.. Files(folder).Select(path =>
    {
        using var file = SafeTensorsFile.Open(path);
        return int.Parse(file.Metadata["count"], CultureInfo.InvariantCulture);
    })];

    private static IEnumerable<M3Embedding> Never(IReadOnlyList<string> texts) => throw new InvalidOperationException("nothing was to be encoded");

    [Fact]
    public void A_shard_closes_with_the_piece_that_reaches_its_budget_and_no_piece_is_much_larger() =>
        Gen.Select(Gen.Int[1, 60].Array[1, 40], Gen.Int[1, 2000], Gen.Int).Sample((lengths, budget, seed) =>
        {
            const int ShardTexts = 16;
            string[] texts = Texts(lengths, seed);
            using var folder = new ScratchFolder();
            var pieces = new List<int>();
            using var corpus = EmbeddedCorpus.InFolder(folder.Path, texts, "k", piece =>
            {
                Assert.True(Numbers(piece) <= budget || piece.Count == 1);
                pieces.Add(piece.Count);
                return piece.Select(Embed);
            }, ShardTexts, budget);
            int row = 0, next = 0;
            foreach (int count in Counts(folder.Path))
            {
                int first = row, last = row;
                while (row < first + count)
                {
                    last = row;
                    row += pieces[next++];
                }
                Assert.Equal(first + count, row);
                Assert.True(Numbers(texts[first..last]) < budget);
                Assert.True(count == ShardTexts || row == texts.Length || Numbers(texts[first..row]) >= budget);
            }
            Assert.Equal((texts.Length, pieces.Count), (row, next));
            Same(EmbeddedCorpus.InMemory(texts.Select(Embed)), corpus);
        }, iter: 100);

    [Fact]
    public void The_budget_does_not_change_what_a_row_is() =>
        Gen.Select(Gen.Int[1, 30].Array[1, 30], Gen.Int[1, 1000], Gen.Int[1, 12], Gen.Int).Sample((lengths, budget, shardTexts, seed) =>
        {
            string[] texts = Texts(lengths, seed);
            Same(EmbeddedCorpus.InMemory(texts.Select(Embed)), EmbeddedCorpus.InMemory(texts.Select(Embed), shardTexts, budget));
        }, iter: 100);

    [Fact]
    public void An_embedding_interrupted_anywhere_ends_in_the_same_files()
    {
        using var folder = new ScratchFolder();
        string[] texts = Texts(40);
        int calls = 0;
        EmbeddedCorpus.InFolder(folder["whole"], texts, "k", t =>
        {
            calls++;
            return t.Select(Embed);
        }, shardNumbers: 300).Dispose();
        string[] whole = Files(folder["whole"]);
        Assert.InRange(whole.Length, 3, calls - 1);
        for (int stop = 0; stop < calls; stop++)
        {
            string cut = folder[$"cut{stop}"];
            int left = stop;
            Assert.Throws<IOException>(() => EmbeddedCorpus.InFolder(cut, texts, "k", t => left-- == 0 ? throw new IOException("power cut") : t.Select(Embed), shardNumbers: 300));
            int ready = Files(cut).Length;
            using var corpus = EmbeddedCorpus.InFolder(cut, texts, "k", t => t.Select(Embed), shardNumbers: 300);
            Assert.Equal(ready, corpus.ReusedShards);
            Assert.Equal(whole.Select(File.ReadAllBytes), Files(cut).Select(File.ReadAllBytes));
        }
    }

    [Fact]
    public void A_restart_takes_all_shards()
    {
        using var folder = new ScratchFolder();
        string[] texts = Texts(40);
        EmbeddedCorpus.InFolder(folder["i"], texts, "k", t => t.Select(Embed), shardNumbers: 300).Dispose();
        using var corpus = EmbeddedCorpus.InFolder(folder["i"], texts, "k", Never, shardNumbers: 300);
        Assert.Equal(Files(folder["i"]).Length, corpus.ReusedShards);
        Same(EmbeddedCorpus.InMemory(texts.Select(Embed)), corpus);
    }

    [Fact]
    public void Shards_from_before_there_was_a_budget_are_taken_and_those_too_small_for_a_larger_one_made_anew()
    {
        using var folder = new ScratchFolder();
        string[] texts = Texts(40);
        EmbeddedCorpus.InFolder(folder["i"], texts, "k", t => t.Select(Embed), shardTexts: 16, shardNumbers: long.MaxValue).Dispose();
        Assert.Equal([16, 16, 8], Counts(folder["i"]));
        using (var old = EmbeddedCorpus.InFolder(folder["i"], texts, "k", Never, shardTexts: 16, shardNumbers: 50))
        {
            Assert.Equal(3, old.ReusedShards);
            Same(EmbeddedCorpus.InMemory(texts.Select(Embed)), old);
        }
        EmbeddedCorpus.InFolder(folder["j"], texts, "k", t => t.Select(Embed), shardTexts: 16, shardNumbers: 50).Dispose();
        using var larger = EmbeddedCorpus.InFolder(folder["j"], texts, "k", t => t.Select(Embed), shardTexts: 16, shardNumbers: long.MaxValue);
        Assert.Equal([16, 16, 8], Counts(folder["j"]));
        Same(EmbeddedCorpus.InMemory(texts.Select(Embed)), larger);
    }

    [Fact]
    public void The_last_shard_of_a_corpus_that_grew_is_made_anew()
    {
        using var folder = new ScratchFolder();
        string[] texts = Texts(40);
        EmbeddedCorpus.InFolder(folder["i"], texts[..20], "k", t => t.Select(Embed), shardTexts: 8).Dispose();
        using var corpus = EmbeddedCorpus.InFolder(folder["i"], texts, "k", t => t.Select(Embed), shardTexts: 8);
        Assert.Equal(2, corpus.ReusedShards);
        Assert.Equal([8, 8, 8, 8, 8], Counts(folder["i"]));
        Same(EmbeddedCorpus.InMemory(texts.Select(Embed)), corpus);
    }

    [Theory]
    [InlineData('0')]
    [InlineData('1')]
    [InlineData('9')]
    [InlineData('-')]
    public void A_shard_that_lies_about_its_texts_is_made_anew(char count)
    {
        using var folder = new ScratchFolder();
        string[] texts = ["abc", "d", "eeff"];
        EmbeddedCorpus.InFolder(folder["i"], texts, "k", t => t.Select(Embed)).Dispose();
        byte[] bytes = File.ReadAllBytes(Files(folder["i"])[0]);
        int at = bytes.AsSpan().IndexOf("\"count\":\"3\""u8);
        Assert.True(at > 0);
        bytes[at + "\"count\":\"".Length] = (byte)count;
        File.WriteAllBytes(Files(folder["i"])[0], bytes);
        using var corpus = EmbeddedCorpus.InFolder(folder["i"], texts, "k", t => t.Select(Embed));
        Assert.Equal(0, corpus.ReusedShards);
        Same(EmbeddedCorpus.InMemory(texts.Select(Embed)), corpus);
    }

    [Fact]
    public void A_shard_whose_vectors_have_another_size_is_made_anew()
    {
        using var folder = new ScratchFolder();
        string[] texts = ["abc", "d", "eeff", "xyz"];
        EmbeddedCorpus.InFolder(folder["i"], texts, "k", t => t.Select(Embed), shardTexts: 2).Dispose();
        string second = Files(folder["i"])[1], key;
        using (var file = SafeTensorsFile.Open(second))
        {
            key = file.Metadata["key"];
        }
        EmbeddingShard.Of([.. texts[2..].Select(t => Embed(t) with { Dense = [1, 2, 3, 4] })]).Save(second, key);
        using var corpus = EmbeddedCorpus.InFolder(folder["i"], texts, "k", t => t.Select(Embed), shardTexts: 2);
        Assert.Equal(1, corpus.ReusedShards);
        Same(EmbeddedCorpus.InMemory(texts.Select(Embed)), corpus);
    }

    [Fact]
    public void An_encoder_that_gives_too_few_embeddings_is_found_out()
    {
        using var folder = new ScratchFolder();
        Assert.Throws<InvalidOperationException>(() => EmbeddedCorpus.InFolder(folder["i"], ["a", "b"], "k", t => t.Skip(1).Select(Embed)));
        Assert.Throws<ArgumentOutOfRangeException>(() => EmbeddedCorpus.InMemory([], shardNumbers: 0));
    }

    private static void Same(EmbeddedCorpus expected, EmbeddedCorpus actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (int row = 0; row < expected.Count; row++)
        {
            Assert.Equal(expected.Dense![row].ToArray(), actual.Dense![row].ToArray());
            Assert.Equal(expected.TermsOf(row).Terms.ToArray(), actual.TermsOf(row).Terms.ToArray());
            Assert.Equal(expected.TermsOf(row).Weights.ToArray(), actual.TermsOf(row).Weights.ToArray());
            Assert.Equal(expected.VectorsOf(row).ToArray(), actual.VectorsOf(row).ToArray());
        }
    }
}
