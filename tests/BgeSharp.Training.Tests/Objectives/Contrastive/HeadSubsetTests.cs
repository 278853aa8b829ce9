// Any subset of the three outputs: by how many terms the loss is divided, and that the scores of each are divided by the temperature. Expected values are plain loops.
//   L = (Σ λ_h L_h + L_e) / terms        L' = Σ λ_h L'_h / heads        with self-distillation (L + L') / 2        terms = heads + 1: the ensemble

using BgeSharp.Embeddings;
using BgeSharp.Text;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Objectives.Contrastive;

public sealed class HeadSubsetTests
{
    private const double Tau = 0.05;
    private static readonly M3Unified s_unified = new(new OutputWeights(0.7, 0.3, 1.1), new OutputWeights(0.9, 0.2, 1.3));

    // Two queries in groups of two: positives are the columns 0 and 2.
    private static readonly double[][] s_dense = [[1.2, 0.3, -0.5, 0.8], [0.1, 0.9, 0.4, -0.2]];
    private static readonly double[][] s_sparse = [[0.2, 1.1, 0.6, 0.1], [0.7, 0.3, 1.4, 0.5]];
    private static readonly double[][] s_multi = [[0.9, -0.4, 0.2, 1.0], [-0.3, 0.6, 0.5, 0.8]];

    // 0 and 1 begin and end a text and have no weight; 3 stands twice in the second passage.
    private static readonly int[][] s_queryIds = [[0, 2, 3, 1], [0, 3, 4, 5, 1]], s_passageIds = [[0, 2, 4, 1], [0, 3, 3, 5, 1], [0, 4, 5, 1], [0, 2, 5, 3, 1]];
    private static readonly double[] s_queryWeights = [0.9, 0.5, 0.3, 0.9, 0.9, 0.4, 0.6, 0.2, 0.9], s_passageWeights = [0.9, 0.3, 0.7, 0.9, 0.9, 0.2, 0.8, 0.1, 0.9, 0.9, 0.5, 0.6, 0.9, 0.9, 0.4, 0.3, 0.6, 0.9];

    [Theory]
    [InlineData(EmbeddingModes.Dense | EmbeddingModes.Sparse, 2, 3)]
    [InlineData(EmbeddingModes.Dense | EmbeddingModes.MultiVector, 2, 3)]
    [InlineData(EmbeddingModes.Sparse | EmbeddingModes.MultiVector, 2, 3)]
    [InlineData(EmbeddingModes.All, 3, 4)]
    public void The_divisors_are_the_numbers_of_terms_there_are(EmbeddingModes outputs, int heads, int terms)
    {
        using var scope = NewDisposeScope();
        var scores = new M3Scores(Given(EmbeddingModes.Dense, s_dense), Given(EmbeddingModes.Sparse, s_sparse), Given(EmbeddingModes.MultiVector, s_multi));
        Head[] parts = Heads(outputs, s_dense, s_sparse, s_multi);
        M3Loss own = Loss(false), distilled = Loss(true);
        Assert.Equal(Own(parts, terms), own.Total.item<double>(), 1e-9);
        Assert.Equal((Own(parts, terms) + Learnt(parts, heads)) / 2, distilled.Total.item<double>(), 1e-9);
        Assert.Equal(terms, own.Each.Count);
        Assert.Equal(terms + heads, distilled.Each.Count);

        Tensor? Given(EmbeddingModes output, double[][] values) => outputs.HasFlag(output) ? tensor(values.SelectMany(row => row).ToArray()).view(2, 4) : null;
        M3Loss Loss(bool selfDistill) => s_unified.Loss(scores, s => new InfoNce(1).Loss(s), selfDistill);
    }

    [Theory]
    [InlineData(EmbeddingModes.Dense | EmbeddingModes.Sparse, 2, 3)]
    [InlineData(EmbeddingModes.Dense | EmbeddingModes.MultiVector, 2, 3)]
    [InlineData(EmbeddingModes.Sparse | EmbeddingModes.MultiVector, 2, 3)]
    [InlineData(EmbeddingModes.All, 3, 4)]
    public void The_whole_loss_is_made_of_the_scores_of_these_outputs_at_the_temperature(EmbeddingModes outputs, int heads, int terms)
    {
        using var scope = NewDisposeScope();
        Head[] parts = Measured(outputs);
        Assert.Equal(Own(parts, terms), Whole(outputs, false), 1e-9);
        Assert.Equal((Own(parts, terms) + Learnt(parts, heads)) / 2, Whole(outputs, true), 1e-9);
    }

    [Theory, InlineData(EmbeddingModes.Dense), InlineData(EmbeddingModes.Sparse), InlineData(EmbeddingModes.MultiVector)]
    public void One_output_alone_has_its_own_loss_whatever_it_weighs(EmbeddingModes output)
    {
        using var scope = NewDisposeScope();
        double expected = Nats(Assert.Single(Measured(output)).Scores);
        Assert.Equal(expected, Whole(output, false), 1e-9);
        Assert.Equal(expected, Whole(output, true), 1e-9);
    }

    private static double Whole(EmbeddingModes outputs, bool selfDistill)
    {
        var objective = new ContrastiveObjective
        {
            Contrast = new InfoNce(Tau),
            Outputs = outputs,
            Unified = s_unified,
            SelfDistill = selfDistill,
            WithoutWeight = new HashSet<int> { 0, 1 },
            Products = ScalarType.Float64,
        };
        return objective.Loss(Side(s_queryIds, s_queryWeights), Side(s_passageIds, s_passageWeights), new ContrastiveTargets(2, null, null), 0, 2, []).item<double>();
    }

    private static M3Outputs Side(int[][] ids, double[] weights)
        => new(TokenBatch.Of(ids), Leaf(DenseOf(ids)), tensor(weights).requires_grad_(), Leaf([.. Enumerable.Range(0, weights.Length).Select(t => TokenOf(ids, t))]));

    private static Tensor Leaf(double[][] rows) => tensor(rows.SelectMany(row => row).ToArray()).view(rows.Length, -1).requires_grad_();

    // Vectors of unit length that differ from text to text and from token to token.
    private static double[][] DenseOf(int[][] ids) => [.. ids.Select((text, i) => Circle((0.4 * i) + (0.3 * text.Length) + (0.2 * ids.Length)))];

    private static double[] TokenOf(int[][] ids, int token) => Circle((0.7 * token) + (0.1 * ids.Length));

    private static double[] Circle(double angle) => [Math.Cos(angle), Math.Sin(angle)];

    private static Head[] Measured(EmbeddingModes outputs)
    {
        double[][] Scores(Func<int, int, double> score) => [.. Enumerable.Range(0, 2).Select(i => Enumerable.Range(0, 4).Select(j => score(i, j) / Tau).ToArray())];
        double[][] queries = DenseOf(s_queryIds), passages = DenseOf(s_passageIds);
        return Heads(outputs, Scores((i, j) => Cosine(queries[i], passages[j])), Scores(Lexical), Scores(Late));
    }

    // Σ_id of the largest weights in both texts.
    private static double Lexical(int query, int passage)
    {
        double sum = 0;
        for (int id = 2; id <= 5; id++)
        {
            sum += Largest(s_queryIds, s_queryWeights, query, id) * Largest(s_passageIds, s_passageWeights, passage, id);
        }
        return sum;
    }

    private static double Largest(int[][] ids, double[] weights, int text, int id)
    {
        double largest = 0;
        for (int token = 0, first = FirstOf(ids, text); token < ids[text].Length; token++)
        {
            largest = ids[text][token] == id ? Math.Max(largest, weights[first + token]) : largest;
        }
        return largest;
    }

    // Mean over the query's tokens but the first of the nearest of the passage's tokens but the first.
    private static double Late(int query, int passage)
    {
        double sum = 0;
        for (int i = 1; i < s_queryIds[query].Length; i++)
        {
            double nearest = double.NegativeInfinity;
            for (int j = 1; j < s_passageIds[passage].Length; j++)
            {
                nearest = Math.Max(nearest, Cosine(TokenOf(s_queryIds, FirstOf(s_queryIds, query) + i), TokenOf(s_passageIds, FirstOf(s_passageIds, passage) + j)));
            }
            sum += nearest;
        }
        return sum / (s_queryIds[query].Length - 1);
    }

    private static int FirstOf(int[][] ids, int text) => ids[..text].Sum(t => t.Length);

    private static double Cosine(double[] a, double[] b) => (a[0] * b[0]) + (a[1] * b[1]);

    private static Head[] Heads(EmbeddingModes outputs, double[][] dense, double[][] sparse, double[][] multi)
    {
        (EmbeddingModes Output, Head Scored)[] all = [(EmbeddingModes.Dense, new Head(0.7, 0.9, dense)), (EmbeddingModes.Sparse, new Head(0.3, 0.2, sparse)), (EmbeddingModes.MultiVector, new Head(1.1, 1.3, multi))];
        return [.. all.Where(h => outputs.HasFlag(h.Output)).Select(h => h.Scored)];
    }

    private static double[][] Ensemble(Head[] heads) => [.. Enumerable.Range(0, 2).Select(i => Enumerable.Range(0, 4).Select(j => heads.Sum(h => h.Ensemble * h.Scores[i][j])).ToArray())];

    private static double Own(Head[] heads, int terms) => (heads.Sum(h => h.Loss * Nats(h.Scores)) + Nats(Ensemble(heads))) / terms;

    private static double Learnt(Head[] heads, int divisor)
    {
        double[][] ensemble = Ensemble(heads);
        return heads.Sum(h => h.Loss * Enumerable.Range(0, 2).Average(i => Enumerable.Range(0, 4).Sum(j => -Share(ensemble[i], j) * Math.Log(Share(h.Scores[i], j))))) / divisor;
    }

    private static double Nats(double[][] scores) => -Enumerable.Range(0, 2).Average(i => Math.Log(Share(scores[i], 2 * i)));

    private static double Share(double[] row, int column) => 1 / row.Sum(score => Math.Exp(score - row[column]));

    private sealed record Head(double Ensemble, double Loss, double[][] Scores);
}
