// All weights of a run in one flat buffer, all gradients in another: the optimizer, the norm, a checksum and an all-reduce are one pass
// over contiguous memory, and every named weight is a view into it. Weights that decay come first, biases and LayerNorms after them, frozen ones last:
// the optimizer stops before them.

namespace BgeSharp.Training.Modeling;

/// <summary>A weight to be: name, shape and how it starts.</summary>
/// <param name="Name">Hugging Face tensor name.</param>
/// <param name="Shape">Torch order; Linear = [out, in].</param>
/// <param name="Start">How it is filled before training.</param>
public sealed record WeightShape(string Name, long[] Shape, WeightStart Start)
{
    /// <summary>Number of elements.</summary>
    public long Count => Shape.Aggregate(1L, (a, b) => a * b);

    /// <summary>Matrices decay; biases and LayerNorms do not (the groups of Hugging Face's trainer).</summary>
    public bool Decays => Start is WeightStart.Normal or WeightStart.Sines;
}

/// <summary>How a weight starts.</summary>
public enum WeightStart
{
    /// <summary>Normal with the configuration's initializer range.</summary>
    Normal,

    /// <summary>Zeros: biases.</summary>
    Zero,

    /// <summary>Ones: LayerNorm weights.</summary>
    One,

    /// <summary>Sines and cosines of the row number, of the standard deviation of the other weights: position tables, where the configuration says so.</summary>
    Sines,
}

/// <summary>Named weights as views into one flat buffer, their gradients likewise.</summary>
public sealed class Weights : IDisposable
{
    // Numbers on their way into a weight at a time: a table of 250,002 words would otherwise be in memory twice more. Even: normal draws come in pairs.
    private const int Carried = 1 << 22;

    private readonly Dictionary<string, Tensor> _byName = [];
    private readonly Dictionary<string, (long Offset, WeightShape Shape)> _places = [];

    /// <param name="shapes">Every weight of the model, each name once.</param>
    /// <param name="compute">Device and master type.</param>
    /// <param name="frozen">True for the name of a weight that is not trained; null trains all.</param>
    public Weights(IEnumerable<WeightShape> shapes, Compute compute, Func<string, bool>? frozen = null)
    {
        frozen ??= _ => false;
        WeightShape[] ordered = [.. shapes.OrderBy(s => frozen(s.Name) ? 2 : s.Decays ? 0 : 1)];
        Compute = compute;
        long total = ordered.Sum(s => s.Count);
        DecayingCount = ordered.Where(s => s.Decays && !frozen(s.Name)).Sum(s => s.Count);
        TrainableCount = ordered.Where(s => !frozen(s.Name)).Sum(s => s.Count);
        Values = zeros(total, compute.MasterType, compute.Device).DetachFromDisposeScope();
        Gradients = zeros(TrainableCount, compute.MasterType, compute.Device).DetachFromDisposeScope();
        long offset = 0;
        foreach (WeightShape shape in ordered)
        {
            Tensor view = Values.narrow(0, offset, shape.Count).view(shape.Shape).DetachFromDisposeScope();
            if (!frozen(shape.Name))
            {
                using Tensor gradient = Gradients.narrow(0, offset, shape.Count).view(shape.Shape).DetachFromDisposeScope();
                view.requires_grad = true;
                view.grad = gradient;
            }
            _byName.Add(shape.Name, view);
            _places.Add(shape.Name, (offset, shape));
            offset += shape.Count;
        }
        Shapes = ordered;
    }

    /// <summary>Device and types.</summary>
    public Compute Compute { get; }

    /// <summary>[N], all weights; the first <see cref="DecayingCount"/> decay.</summary>
    public Tensor Values { get; }

    /// <summary>[<see cref="TrainableCount"/>], the gradients of what is trained, in the order of <see cref="Values"/>: frozen weights cost no memory beyond themselves.</summary>
    public Tensor Gradients { get; }

    /// <summary>How many elements at the start decay.</summary>
    public long DecayingCount { get; }

    /// <summary>How many elements at the start are trained; the rest is frozen and has no gradients.</summary>
    public long TrainableCount { get; }

    /// <summary>α/r: what an adapter's product is multiplied by.</summary>
    public double AdapterScale { get; init; } = 1;

    /// <summary>All weights in buffer order.</summary>
    public IReadOnlyList<WeightShape> Shapes { get; }

    /// <summary>Number of elements in all.</summary>
    public long Count => Values.shape[0];

    /// <summary>The weight of this name: a leaf whose gradient lands in <see cref="Gradients"/>.</summary>
    public Tensor this[string name] => _byName.TryGetValue(name, out Tensor? weight) ? weight : throw new KeyNotFoundException($"the model has no weight {name}");

    /// <summary>True when the model has a weight of this name.</summary>
    public bool Contains(string name) => _byName.ContainsKey(name);

    /// <summary>A view of the gradient of a weight that is trained; the caller disposes it.</summary>
    public Tensor GradientOf(string name)
    {
        (long offset, WeightShape shape) = _places[name];
        return Gradients.narrow(0, offset, shape.Count).view(shape.Shape);
    }

    /// <summary>The weight in the compute type, within the graph: gradients flow back to the master weight.</summary>
    public Tensor Cast(string name) => this[name].to_type(Compute.Type);

    /// <summary>Fills every weight by its <see cref="WeightStart"/>; the same seed gives the same weights on every machine.</summary>
    /// <param name="standardDeviation">Initializer range; BERT: 0.02.</param>
    /// <param name="seed">Seed of the normal draws.</param>
    public void Initialize(double standardDeviation, long seed)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        foreach (WeightShape shape in Shapes)
        {
            Tensor weight = this[shape.Name];
            switch (shape.Start)
            {
                case WeightStart.Zero: weight.zero_(); break;
                case WeightStart.One: weight.FillInPlace(1); break;
                case WeightStart.Sines: weight.copy_(tensor(Sines(shape.Shape[0], shape.Shape[1], standardDeviation)).view(shape.Shape)); break;
                default:
                    // One generator per weight and none for its prefix: adding a weight or a head does not change the others.
                    var generator = new SeededRandom((ulong)HashCodes.Of(seed, BareName(shape.Name)));
                    Fill(weight, count => NormalDraws(ref generator, count, standardDeviation));
                    break;
            }
        }
    }

    /// <summary>Copies values in; the shape must fit.</summary>
    public void Set(string name, ReadOnlySpan<float> values)
    {
        using var noGrad = no_grad();
        using Tensor flat = this[name].view(-1);
        if (values.Length != flat.shape[0])
        {
            throw new ArgumentException($"{values.Length} values for {name}, which has {flat.shape[0]}", nameof(values));
        }
        for (int start = 0; start < values.Length; start += Carried)
        {
            using var scope = NewDisposeScope();
            ReadOnlySpan<float> part = values.Slice(start, Math.Min(Carried, values.Length - start));
            flat.narrow(0, start, part.Length).copy_(tensor(part.ToArray()));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor weight in _byName.Values)
        {
            weight.Dispose();
        }
        Values.Dispose();
        Gradients.Dispose();
    }

    private static void Fill(Tensor weight, Func<long, float[]> next)
    {
        Tensor flat = weight.view(-1);
        long count = flat.shape[0];
        for (long start = 0; start < count; start += Carried)
        {
            using var scope = NewDisposeScope();
            long length = Math.Min(Carried, count - start);
            flat.narrow(0, start, length).copy_(tensor(next(length)));
        }
    }

    private static string BareName(string name)
        => name.StartsWith("bert.", StringComparison.Ordinal) ? name["bert.".Length..] : name.StartsWith("roberta.", StringComparison.Ordinal) ? name["roberta.".Length..] : name;

    // PE(p, i) = sin(p / 10000^(i / half)), PE(p, half + i) = cos of the same: a shift of the position is a rotation.           Vaswani et al. 2017, section 3.5
    private static float[] Sines(long rows, long size, double standardDeviation)
    {
        var table = new float[rows * size];
        long half = (size + 1) / 2;
        double scale = Math.Sqrt(2) * standardDeviation;
        for (long row = 0; row < rows; row++)
        {
            for (long i = 0; i < size; i++)
            {
                double angle = row * Math.Pow(10000, -(i % half) / (double)half);
                table[(row * size) + i] = (float)(scale * (i < half ? Math.Sin(angle) : Math.Cos(angle)));
            }
        }
        return table;
    }

    private static float[] NormalDraws(ref SeededRandom random, long count, double standardDeviation)
    {
        // Box-Muller, both values of each pair.
        var draws = new float[count];
        for (long i = 0; i < count; i += 2)
        {
            double radius = standardDeviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            double angle = 2 * Math.PI * random.NextDouble();
            draws[i] = (float)(radius * Math.Cos(angle));
            if (i + 1 < count)
            {
                draws[i + 1] = (float)(radius * Math.Sin(angle));
            }
        }
        return draws;
    }
}
