using BgeSharp.Formats;
using BgeSharp.Models;

namespace BgeSharp.Tests.Models;

public sealed class ModelMergeTests
{
    [Fact]
    public void The_mean_of_a_model_with_itself_is_the_model_and_one_model_alone_is_refused()
    {
        using var folder = new TemporaryFolder();
        string model = Path.Combine(folder.Path, "a");
        new SmallModel().Write(model);
        string merged = Path.Combine(folder.Path, "merged");
        ModelMerge.Run([model, model], [3, 1], merged, TestContext.Current.CancellationToken);
        using ITensorSource before = WeightFiles.Open(model), after = WeightFiles.Open(merged);
        string name = after.Tensors.First(t => t.Name.EndsWith("word_embeddings.weight", StringComparison.Ordinal)).Name;
        string original = before.Tensors.First(t => t.Name.EndsWith("word_embeddings.weight", StringComparison.Ordinal)).Name;
        Assert.Equal(before.ReadFloat32(original), after.ReadFloat32(name));
        Assert.Throws<BadInput>(() => ModelMerge.Run([model], [1], Path.Combine(folder.Path, "x"), TestContext.Current.CancellationToken));
        Assert.Throws<BadInput>(() => ModelMerge.Run([model, model], [1, -1], Path.Combine(folder.Path, "x"), TestContext.Current.CancellationToken));
    }
}
