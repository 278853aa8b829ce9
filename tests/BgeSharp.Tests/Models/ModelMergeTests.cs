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
        // Cross-encoders keep their head, and merge with their like only.
        string[] judges = [.. new[] { 1f, 4f }.Select((value, i) =>
        {
            string judge = Path.Combine(folder.Path, $"judge{i}");
            new SmallModel().Write(judge);
            long size = ModelConfig.Load(judge).HiddenSize;
            SafeTensorsWriter.Write(Path.Combine(judge, ModelFiles.Reranker),
                [.. new (string Name, long[] Shape)[] { ("dense.weight", [size, size]), ("dense.bias", [size]), ("out_proj.weight", [1, size]), ("out_proj.bias", [1]) }
                    .Select(t => TensorToWrite.Of("classifier." + t.Name, t.Shape, Enumerable.Repeat(value, (int)t.Shape.Aggregate(1L, (a, b) => a * b)).ToArray()))]);
            return judge;
        })];
        ModelMerge.Run(judges, [2, 1], Path.Combine(folder.Path, "judged"), TestContext.Current.CancellationToken);
        using (SafeTensorsFile head = SafeTensorsFile.Open(Path.Combine(folder.Path, "judged", ModelFiles.Reranker)))
        {
            Assert.Equal([2f], head.ReadFloat32("classifier.out_proj.bias"));
        }
        Assert.Contains("no cross-encoder", Assert.Throws<BadInput>(() => ModelMerge.Run([judges[0], model], [1, 1], Path.Combine(folder.Path, "x"), TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
        Assert.Throws<BadInput>(() => ModelMerge.Run([model], [1], Path.Combine(folder.Path, "x"), TestContext.Current.CancellationToken));
        Assert.Throws<BadInput>(() => ModelMerge.Run([model, model], [1, -1], Path.Combine(folder.Path, "x"), TestContext.Current.CancellationToken));
    }
}
