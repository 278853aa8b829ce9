using BgeSharp.Training.Data.Negatives;

namespace BgeSharp.Training.Tests.Data;

public sealed class EmbeddingCacheTests
{
    [Fact]
    public void Vectors_are_kept_for_the_files_that_make_them_and_the_way_they_are_used()
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", "{}");
        folder.Write("model.safetensors", "weights");
        folder.Write("bge.json", "cls");
        string Key(string use = "query 64") => EmbeddingCache.KeyOf(folder.Path, use);
        string first = Key();
        Assert.Equal(first, Key());
        Assert.NotEqual(first, Key("passage 64"));
        Assert.NotEqual(first, Key("query 65"));
        foreach (string file in new[] { "config.json", "model.safetensors", "bge.json" })
        {
            string before = File.ReadAllText(Path.Combine(folder.Path, file));
            folder.Write(file, before + "x");
            Assert.NotEqual(first, Key());
            folder.Write(file, before);
        }
        // Of no dense vector: what pre-training and heads add.
        folder.Write("pretraining.safetensors", "head");
        folder.Write("heads.safetensors", "heads");
        Assert.Equal(first, Key());
    }
}
