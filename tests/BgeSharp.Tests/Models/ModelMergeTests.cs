using System.Runtime.InteropServices;
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

    [Fact]
    public void Heads_are_merged_where_all_have_them_and_named_where_not()
    {
        using var folder = new TemporaryFolder();
        string[] models = [.. new[] { "both", "same", "sparse", "none", "wide" }.Select(folder.File)];
        foreach (string model in models)
        {
            new SmallModel().Write(model);
        }
        SmallModel.WriteHeads(models[0], 8, TensorType.F32, 4);
        SmallModel.WriteHeads(models[1], 8, TensorType.F32, 4);
        SmallModel.WriteHeads(models[2], 8, TensorType.F32, 4, multi: false);
        SmallModel.WriteHeads(models[4], 8, TensorType.F32, 6);
        Assert.Empty(Merge(0, 1));
        Assert.Equal([$"{models[2]} has no multi-vector head, so the mean has none."], Merge(0, 2));
        Assert.Equal([$"{models[3]} has no sparse head, so the mean has none.", $"{models[3]} has no multi-vector head, so the mean has none."], Merge(3, 0));
        Assert.Equal(["the models' multi-vector heads differ in size, so the mean has none."], Merge(0, 4));
        Assert.Empty(Merge(3, 3));
        Assert.Empty(Merge(0, 0));
        string one = folder.File("0-0"), half = folder.File("half"), mean = folder.File("mean");
        Directory.CreateDirectory(half);
        foreach (string file in Directory.GetFiles(one))
        {
            File.Copy(file, Path.Combine(half, Path.GetFileName(file)));
        }
        using SafeTensorsFile before = SafeTensorsFile.Open(Path.Combine(one, ModelFiles.Heads));
        SafeTensorsWriter.Write(Path.Combine(half, ModelFiles.Heads), [.. before.Tensors.Select(t => TensorToWrite.Of(t.Name, t.Shape, before.ReadFloat32(t.Name).Select(v => v * 0.5f).ToArray()))]);
        ModelMerge.Run([one, half], [3, 1], mean, TestContext.Current.CancellationToken);
        using SafeTensorsFile after = SafeTensorsFile.Open(Path.Combine(mean, ModelFiles.Heads));
        Assert.Equal(4, after.Tensors.Count);
        foreach (TensorEntry tensor in after.Tensors)
        {
            Assert.All(before.ReadFloat32(tensor.Name).Zip(after.ReadFloat32(tensor.Name)), v => Assert.True(Math.Abs(v.Second - (0.875 * v.First)) <= 1e-6 * Math.Abs(v.First)));
        }
        Assert.False(File.Exists(Path.Combine(folder.File("3-0"), ModelFiles.Heads)));

        IReadOnlyList<string> Merge(int first, int second) => ModelMerge.Run([models[first], models[second]], [3, 1], folder.File($"{first}-{second}"), TestContext.Current.CancellationToken);
    }

    [Theory, InlineData(1), InlineData(7), InlineData(64)]
    public void A_mean_made_in_blocks_is_that_of_the_whole_tensors_to_the_bit(int block)
    {
        using var folder = new TemporaryFolder();
        string[] models = [.. new[] { TensorType.F32, TensorType.BF16, TensorType.F64 }.Select((type, i) => Finite(folder.File($"{type}"), type, i))];
        double[] weights = [3, 1, -0.5];
        string whole = folder.File("whole"), parts = folder.File("parts");
        ModelMerge.Run(models, weights, whole, TestContext.Current.CancellationToken);
        ModelMerge.Run(models, weights, parts, block, TestContext.Current.CancellationToken);
        Assert.Equal(File.ReadAllBytes(Path.Combine(whole, "model.safetensors")), File.ReadAllBytes(Path.Combine(parts, "model.safetensors")));
        float[][] Values(string name) => [.. models.Select(model =>
        {
            using ITensorSource source = WeightFiles.Open(model);
            return source.ReadFloat32(name);
        })];
        using ITensorSource merged = WeightFiles.Open(parts);
        foreach (TensorEntry tensor in merged.Tensors)
        {
            float[][] values = Values(tensor.Name);
            Assert.Equal(values[0].Select((_, i) => (float)((3 / 3.5 * values[0][i]) + (1 / 3.5 * values[1][i]) + (-0.5 / 3.5 * values[2][i]))), merged.ReadFloat32(tensor.Name));
        }
    }

    // The bits of NaNs, which random bytes have, are nobody's promise.
    private static string Finite(string folder, TensorType type, int seed)
    {
        SmallModel model = new SmallModel { Type = type }.Write(folder);
        var random = new Random(seed);
        SafeTensorsWriter.Write(Path.Combine(folder, "model.safetensors"), [.. EncoderTensors.Of(model.Config).Select(t =>
        {
            double[] values = [.. Enumerable.Range(0, (int)t.Shape.Aggregate(1L, (a, b) => a * b)).Select(_ => random.NextDouble() - 0.5)];
            float[] singles = [.. values.Select(v => (float)v)];
            var halves = new ushort[values.Length];
            TensorConversion.SingleToBrainFloat(singles, halves);
            byte[] bytes = type switch
            {
                TensorType.F64 => MemoryMarshal.AsBytes(values.AsSpan()).ToArray(),
                TensorType.BF16 => MemoryMarshal.AsBytes(halves.AsSpan()).ToArray(),
                _ => MemoryMarshal.AsBytes(singles.AsSpan()).ToArray(),
            };
            return new TensorToWrite(t.Name, type, t.Shape, bytes);
        })]);
        return folder;
    }
}
