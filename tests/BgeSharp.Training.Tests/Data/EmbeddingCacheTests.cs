using BgeSharp.Training.Data.Negatives;

namespace BgeSharp.Training.Tests.Data;

public sealed class EmbeddingCacheTests
{
    private const int Dimension = 3;
    private static readonly string[] s_texts = ["one", "two", "three", "four", "five", "six", "seven", "eight"];

    [Fact]
    public void Vectors_are_kept_for_the_files_that_make_them_and_the_way_they_are_used()
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", "{}");
        folder.Write("model.safetensors", "weights");
        folder.Write("bge.json", "cls");
        folder.Write("vocab.txt", "[PAD]\n[UNK]\n");
        string pooling = Path.Combine("1_Pooling", "config.json");
        folder.Write(pooling, "mean");
        string Key(string use = "query 64") => EmbeddingCache.KeyOf(folder.Path, use);
        string first = Key();
        Assert.Equal(first, Key());
        Assert.NotEqual(first, Key("passage 64"));
        Assert.NotEqual(first, Key("query 65"));
        foreach (string file in new[] { "config.json", "model.safetensors", "bge.json", "vocab.txt", pooling })
        {
            string path = Path.Combine(folder.Path, file), before = File.ReadAllText(path);
            folder.Write(file, before + "x");
            Assert.NotEqual(first, Key());
            // As long and as old as it was.
            folder.Write(file, before);
            DateTime written = File.GetLastWriteTimeUtc(path);
            folder.Write(file, before[..^1] + "x");
            File.SetLastWriteTimeUtc(path, written);
            Assert.NotEqual(first, Key());
            folder.Write(file, before);
            Assert.Equal(first, Key());
        }
        // Another name, and a file more.
        string vocabulary = Path.Combine(folder.Path, "vocab.txt"), renamed = Path.Combine(folder.Path, "words.txt");
        File.Move(vocabulary, renamed);
        Assert.NotEqual(first, Key());
        File.Move(renamed, vocabulary);
        string more = folder.Write("tokenizer.json", "{}");
        Assert.NotEqual(first, Key());
        File.Delete(more);
        // Of no dense vector: what pre-training and heads add.
        folder.Write("pretraining.safetensors", "head");
        folder.Write("heads.safetensors", "heads");
        Assert.Equal(first, Key());
    }

    // A row is 12 bytes of vector and 16 of hash; the process has put 3 rows on disk, then 3 more.
    [Theory]
    [InlineData(72, 96, 6)]      // it ended well
    [InlineData(72, 48, 3)]      // it died between the second vectors and their hashes
    [InlineData(65, 48, 3)]      // in the middle of a vector
    [InlineData(72, 56, 3)]      // in the middle of a hash
    [InlineData(72, 63, 3)]
    [InlineData(36, 0, 0)]       // before the first hash
    [InlineData(71, 95, 5)]      // files cut by others
    [InlineData(40, 96, 3)]
    [InlineData(11, 96, 0)]
    [InlineData(0, 96, 0)]
    public void A_text_has_its_own_vector_or_none_wherever_the_files_end(int vectorBytes, int hashBytes, int known)
    {
        using var folder = new TemporaryFolder();
        using (EmbeddingCache cache = EmbeddingCache.Open(folder.Path, "k", Dimension))
        {
            Add(cache, s_texts[..3]);
            Add(cache, s_texts[3..6]);
        }
        Cut("k.vectors", 72, vectorBytes);
        Cut("k.texts", 96, hashBytes);
        using (EmbeddingCache cache = EmbeddingCache.Open(folder.Path, "k", Dimension))
        {
            Assert.Equal(known, cache.Count);
            Assert.Equal(s_texts[..known], Known(cache));
            Add(cache, s_texts[known..]);
            Assert.Equal(s_texts, Known(cache));
        }
        using EmbeddingCache again = EmbeddingCache.Open(folder.Path, "k", Dimension);
        Assert.Equal(s_texts.Length, again.Count);
        Assert.Equal(s_texts, Known(again));

        void Cut(string name, int whole, int length)
        {
            using var file = new FileStream(Path.Combine(folder.Path, name), FileMode.Open);
            Assert.Equal(whole, file.Length);
            file.SetLength(length);
        }
    }

    [Fact]
    public void A_vector_of_another_length_is_refused_and_leaves_nothing()
    {
        using var folder = new TemporaryFolder();
        using (EmbeddingCache cache = EmbeddingCache.Open(folder.Path, "k", Dimension))
        {
            Assert.Throws<ArgumentException>(() => cache.Add(EmbeddingCache.HashOf("one"), new float[Dimension + 1]));
            Assert.Equal((0, -1), (cache.Count, cache.RowOf(EmbeddingCache.HashOf("one"))));
            Add(cache, ["two"]);
        }
        using EmbeddingCache again = EmbeddingCache.Open(folder.Path, "k", Dimension);
        Assert.Equal(["two"], Known(again));
    }

    [Fact]
    public void Models_and_processes_do_not_share_an_open_cache()
    {
        using var folder = new TemporaryFolder();
        using EmbeddingCache cache = EmbeddingCache.Open(folder.Path, "k", Dimension), other = EmbeddingCache.Open(folder.Path, "l", Dimension);
        Add(cache, s_texts[..2]);
        Assert.Empty(Known(other));
        Assert.Throws<IOException>(() => EmbeddingCache.Open(folder.Path, "k", Dimension));
        Assert.Equal(s_texts[..2], Known(cache));
    }

    private static void Add(EmbeddingCache cache, string[] texts)
    {
        foreach (string text in texts)
        {
            cache.Add(EmbeddingCache.HashOf(text), VectorOf(text));
        }
        cache.Flush();
    }

    // The texts that a cache knows; what it gives for them must be theirs.
    private static string[] Known(EmbeddingCache cache)
    {
        string[] known = [.. s_texts.Where(text => cache.RowOf(EmbeddingCache.HashOf(text)) >= 0)];
        foreach (string text in known)
        {
            var vector = new float[Dimension];
            cache.Read(cache.RowOf(EmbeddingCache.HashOf(text)), vector);
            Assert.Equal(VectorOf(text), vector);
        }
        return known;
    }

    private static float[] VectorOf(string text)
    {
        var random = new SeededRandom((ulong)EmbeddingCache.HashOf(text));
        return [.. Enumerable.Range(0, Dimension).Select(_ => (float)random.NextDouble())];
    }
}
