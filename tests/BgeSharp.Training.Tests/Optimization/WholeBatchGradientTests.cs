// The whole batch in one pass and the loss of all its queries at once: what sub-batches, a gradient cache and blocks of queries must come to.
// In float64 and without dropout, so that what differs differs in meaning.

using BgeSharp.Embeddings;
using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Collectives;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Optimization;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Optimization;

public sealed class WholeBatchGradientTests
{
    // Blocks of two leave one query over.
    private const int Queries = 5, Group = 3;
    private const string Plain = "plain", OwnGroup = "own group", Shorter = "shorter vectors", SelfDistilled = "self-distilled", Parts = "parts", Directions = "all directions";
    private static readonly ModelConfig Config = TinyModel.Config with { HiddenDropout = 0, AttentionDropout = 0 };
    private static readonly HashSet<int> s_special = [0, 1, 2, 3];
    private readonly WordPieceTokenizer _tokenizer = TinyModel.Tokenizer();

    public static TheoryData<EmbeddingModes, TeacherUse, string> Cases()
    {
        var cases = new TheoryData<EmbeddingModes, TeacherUse, string>();
        foreach (TeacherUse teacher in Enum.GetValues<TeacherUse>())
        {
            foreach (string kind in new[] { Plain, "hidden columns", OwnGroup, Shorter })
            {
                cases.Add(EmbeddingModes.Dense, teacher, kind);
                cases.Add(EmbeddingModes.All, teacher, kind);
            }
            cases.Add(EmbeddingModes.All, teacher, SelfDistilled);
            cases.Add(EmbeddingModes.All, teacher, Parts);
            cases.Add(EmbeddingModes.Sparse | EmbeddingModes.MultiVector, teacher, SelfDistilled);
        }
        // Further columns have no teacher's scores.
        cases.Add(EmbeddingModes.Dense, TeacherUse.None, Directions);
        cases.Add(EmbeddingModes.All, TeacherUse.None, Directions);
        return cases;
    }

    [Theory, MemberData(nameof(Cases))]
    public void Sub_batches_a_gradient_cache_and_blocks_of_queries_give_the_gradient_of_the_whole_batch(EmbeddingModes outputs, TeacherUse teacher, string kind)
    {
        using var scope = NewDisposeScope();
        ContrastiveObjective objective = Objective(outputs, teacher, kind);
        ContrastiveTargets targets = Targets(teacher, kind);
        double[] expected = Whole(objective, targets);
        // What the kind adds takes part.
        Assert.True(kind == Plain || Off(expected, Whole(Objective(outputs, teacher, Plain), Targets(teacher, Plain))) > 1e-6);
        foreach (bool recompute in new[] { false, true })
        {
            foreach (int block in new[] { 1, 2, Queries })
            {
                double off = Off(expected, InSubBatches(objective, targets, recompute, block));
                Assert.True(off <= 1e-10, $"{(recompute ? "cached" : "plain")}, blocks of {block}: off by {off:g3} of the gradient's length");
            }
        }
    }

    private static ContrastiveObjective Objective(EmbeddingModes outputs, TeacherUse teacher, string kind) => new()
    {
        Contrast = new InfoNce(0.2, InBatchNegatives: kind != OwnGroup),
        Outputs = outputs,
        Teacher = teacher,
        TeacherTemperature = 2,
        SelfDistill = kind is SelfDistilled or Parts,
        TokenGroups = kind == Parts ? 2 : 1,
        MatryoshkaDimensions = kind == Shorter ? [4, 10] : [],
        BothDirections = kind is Shorter or Directions,
        QueryQuery = kind == Directions,
        PassagePassage = kind == Directions,
        FalseNegativeMargin = kind == Directions ? 0.05 : null,
        WithoutWeight = s_special,
        Products = ScalarType.Float64,
    };

    private static ContrastiveTargets Targets(TeacherUse teacher, string kind)
    {
        // Columns of other groups (row 0: 3, row 1: 7, row 4: 0; the first and the last are positives) and one of a query's own (row 3: 10).
        HiddenPassages? hidden = kind == Plain ? null : new HiddenPassages([3, 22, 55, 60], Queries * Group);
        double unknown = teacher == TeacherUse.MarginMse ? double.NaN : -1;
        Tensor? scores = teacher == TeacherUse.None ? null : tensor(new[] { 5.0, 1, 2, 3, 4, 0, 1, 1, -2, 7, 6, 5, 2, unknown, 3 }).view(Queries, Group);
        return new ContrastiveTargets(Group, hidden, scores);
    }

    // One pass over queries and passages together, one loss, one backward pass.
    private double[] Whole(ContrastiveObjective objective, ContrastiveTargets targets)
    {
        using var scope = NewDisposeScope();
        using Weights weights = Model();
        M3Outputs all = ModelOver(weights).Forward(TokenBatch.Of([.. Texts(Queries, 1), .. Texts(Queries * Group, 2)]), training: true, objective.Outputs);
        M3Outputs queries = all.Texts(0, Queries), passages = all.Texts(Queries, Queries * Group);
        Tensor[] losses = [.. Blocks(objective, Queries).Select(block => Loss(objective, queries, passages, targets, block))];
        Assert.Equal(objective.TokenGroups, losses.Length);
        BackwardPass.Run(stack(losses).sum());
        return weights.Gradients.data<double>().ToArray();
    }

    private double[] InSubBatches(ContrastiveObjective objective, ContrastiveTargets targets, bool recompute, int size)
    {
        using var scope = NewDisposeScope();
        using Weights weights = Model();
        var encoded = new HashSet<int>();
        var encoding = new SplitEncoding(ModelOver(weights), objective.Outputs, 64, recompute, tokenGroups: objective.TokenGroups);
        encoding.Run([TokenBatch.Of(Texts(Queries, 1)), TokenBatch.Of(Texts(Queries * Group, 2))], k =>
        {
            encoded.Add(k);
            return 100 + k;
        }, sides =>
        {
            foreach ((int Start, int Count) block in Blocks(objective, size))
            {
                using var inner = NewDisposeScope();
                BackwardPass.Run(Loss(objective, sides[0], sides[1], targets, block));
            }
        });
        Assert.True(encoded.Count > 3);
        return weights.Gradients.data<double>().ToArray();
    }

    private static Tensor Loss(ContrastiveObjective objective, M3Outputs queries, M3Outputs passages, ContrastiveTargets targets, (int Start, int Count) block)
        => objective.Loss(queries, passages, targets, block.Start, block.Count, []).Times(block.Count / (double)Queries);

    // As a contrastive stage takes them: each within one part of the batch.
    private static IEnumerable<(int Start, int Count)> Blocks(ContrastiveObjective objective, int size)
    {
        for (int part = 0; part < objective.TokenGroups; part++)
        {
            (int begin, int length) = WorkShare.Range(Queries, objective.TokenGroups, part);
            for (int start = begin; start < begin + length; start += size)
            {
                yield return (start, Math.Min(size, begin + length - start));
            }
        }
    }

    private static M3Encoder ModelOver(Weights weights) => new(new Encoder(weights, "", Config), Pooling.Mean, new M3Heads(weights, s_special));

    private static Weights Model()
    {
        var weights = new Weights(Encoder.Shapes("", Config).Concat(M3Heads.Shapes(Config, EmbeddingModes.All, 8)), Compute.Float64);
        weights.Initialize(0.3, seed: 1);
        return weights;
    }

    private int[][] Texts(int count, int seed)
        => [.. Enumerable.Range(0, count).Select(i => _tokenizer.EncodeWithSpecial(TinyModel.Text(2 + ((i * 7) % 11), (seed * 100) + i), 40))];

    // Length of the difference, as a share of the expected gradient's.
    private static double Off(double[] expected, double[] actual)
        => Math.Sqrt(expected.Zip(actual, (x, y) => (x - y) * (x - y)).Sum() / expected.Sum(x => x * x));
}
