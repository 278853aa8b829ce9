// Reads one file of numbers made by the public implementations (tests/golden, or the folder BGESHARP_GOLDEN names) and compares with it.
// Sizes come from the files, so that another set of the same layout runs through the same tests.

using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Modeling;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests;

public sealed class GoldenCase : IDisposable
{
    private readonly SafeTensorsFile _file;

    private GoldenCase(string path, ModelConfig? config, bool exact)
    {
        _file = SafeTensorsFile.Open(path);
        Config = config!;
        Exact = exact;
    }

    public ModelConfig Config { get; }

    public bool Exact { get; }

    public Compute Compute => Exact ? Compute.Float64 : Compute.Float32;

    public IReadOnlyDictionary<string, string> Metadata => _file.Metadata;

    public static string Folder => Environment.GetEnvironmentVariable("BGESHARP_GOLDEN") is { Length: > 0 } other ? other : Path.Combine(Root(), "tests", "golden");

    /// <summary>The variants of a case, each in float64 (meaning) and float32 (rounding).</summary>
    public static TheoryData<string, bool> Variants(string name)
    {
        var data = new TheoryData<string, bool>();
        foreach (string path in Directory.GetFiles(Path.Combine(Folder, name), "*.safetensors").Order(StringComparer.Ordinal))
        {
            data.Add(Path.GetFileNameWithoutExtension(path), true);
            data.Add(Path.GetFileNameWithoutExtension(path), false);
        }
        return data;
    }

    public static GoldenCase Open(string name, string variant, bool exact)
    {
        string folder = Path.Combine(Folder, name);
        string file = Path.Combine(folder, "config.json");
        bool hasConfig = File.Exists(file) && File.ReadAllText(file).Contains("model_type", StringComparison.Ordinal);
        ModelConfig? config = hasConfig ? ModelConfig.Load(folder) with { HiddenDropout = 0, AttentionDropout = 0 } : null;
        return new GoldenCase(Path.Combine(folder, variant + ".safetensors"), config, exact);
    }

    public bool Has(string name) => _file.Contains(name);

    public long[] Integers(string name) => _file.ReadInt64(name);

    public float[] Numbers(string name) => _file.ReadFloat32(name);

    public long[] Shape(string name) => _file[name].Shape;

    public IEnumerable<string> Names(string prefix) => _file.Tensors.Select(t => t.Name).Where(n => n.StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>The tensor in the type of this run.</summary>
    public Tensor Load(string name) => tensor(Numbers(name)).view(Shape(name)).to_type(Compute.MasterType);

    public Tensor LoadIntegers(string name) => tensor(Integers(name)).view(Shape(name));

    /// <summary>Weights of the given shapes, filled from the file.</summary>
    public Weights LoadWeights(IEnumerable<WeightShape> shapes)
    {
        var weights = new Weights(shapes, Compute);
        foreach (WeightShape shape in weights.Shapes)
        {
            weights.Set(shape.Name, Numbers(shape.Name));
        }
        return weights;
    }

    /// <summary>A padded batch of ids as a packed one: the cells where the mask is 1.</summary>
    public TokenBatch Pack(string ids, string mask)
    {
        long[] values = Integers(ids);
        long[] visible = Integers(mask);
        long length = Shape(ids)[1];
        return TokenBatch.Of([.. Enumerable.Range(0, (int)Shape(ids)[0]).Select(row =>
            Enumerable.Range(0, (int)length).Where(j => visible[(row * length) + j] == 1).Select(j => (int)values[(row * length) + j]).ToArray())]);
    }

    /// <summary>The rows of a padded [B, L, ...] tensor where the mask is 1, packed.</summary>
    public Tensor PackRows(Tensor padded, string mask)
        => padded.reshape([padded.shape[0] * padded.shape[1], .. padded.shape[2..]]).index_select(0, LoadIntegers(mask).reshape(-1).nonzero().reshape(-1));

    /// <summary>Compares within the tolerance that golden/README.md states.</summary>
    public void AssertEqual(string name, Tensor actual, Tensor? expected = null)
    {
        using var scope = NewDisposeScope();
        Tensor wanted = (expected ?? Load(name)).to_type(ScalarType.Float64);
        Tensor got = actual.detach().to_type(ScalarType.Float64);
        Assert.True(wanted.numel() == got.numel(), $"{name}: {wanted.numel()} numbers expected, {got.numel()} computed");
        double reach = wanted.abs().max().item<double>();
        double difference = (wanted.reshape(-1) - got.reshape(-1)).abs().max().item<double>();
        double allowed = Exact ? 1e-7 * (1 + reach) : 1e-5 + (1e-5 * reach);
        Assert.True(difference <= allowed, $"{name}: off by {difference:g3}, {allowed:g3} allowed");
    }

    /// <summary>Compares every gradient in the file.</summary>
    public void AssertGradients(Weights weights)
    {
        int compared = 0;
        foreach (string name in Names("grad."))
        {
            using Tensor gradient = weights.GradientOf(name["grad.".Length..]);
            AssertEqual(name, gradient);
            compared++;
        }
        Assert.True(compared > 0, "the file has no gradients");
    }

    public void Dispose() => _file.Dispose();

    internal static string ProjectRoot => Root();

    private static string Root()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "BgeSharp.slnx")))
            {
                return folder.FullName;
            }
        }
        throw new DirectoryNotFoundException("the tests run inside the project");
    }
}
