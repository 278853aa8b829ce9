using BgeSharp.Embeddings;
using BgeSharp.Text;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Objectives;

public sealed class ContrastiveObjectiveTests
{
    private static readonly HashSet<int> s_special = [0, 1];

    [Theory, InlineData(false), InlineData(true)]
    public void Sparse_scores_and_gradients_are_those_of_vectors_as_long_as_the_vocabulary(bool own)
    {
        using var scope = NewDisposeScope();
        (TokenBatch queries, TokenBatch passages) = (Texts(3, 1, 9), Texts(6, 2, 9));
        Tensor q = Weights(queries.TokenCount, 3), p = Weights(passages.TokenCount, 4), q2 = q.detach().requires_grad_(), p2 = p.detach().requires_grad_();
        Tensor scores = LexicalMatch.Scores(q, queries, p, passages, s_special, own);
        Tensor whole = Wide(q2, queries).matmul(Wide(p2, passages).t());
        Tensor expected = own ? whole.gather(1, tensor(new long[] { 0, 1, 2, 3, 4, 5 }).view(3, 2)) : whole;
        AssertClose(expected, scores);
        Tensor factor = rand(scores.shape, ScalarType.Float64);
        (scores * factor).sum().backward();
        (expected * factor).sum().backward();
        AssertClose(q2.grad!, q.grad!);
        AssertClose(p2.grad!, p.grad!);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Late_interaction_and_its_gradients_are_those_of_a_loop(bool own)
    {
        using var scope = NewDisposeScope();
        (TokenBatch queries, TokenBatch passages) = (Texts(3, 5, 30), Texts(6, 6, 30));
        Tensor q = Vectors(queries.TokenCount), p = Vectors(passages.TokenCount), q2 = q.detach().requires_grad_(), p2 = p.detach().requires_grad_();
        Tensor scores = LateInteraction.Scores(q, queries.Offsets, p, passages.Offsets, 1, own, ScalarType.Float64);
        var rows = new List<Tensor>();
        for (int i = 0; i < 3; i++)
        {
            for (int j = own ? i * 2 : 0; j < (own ? (i * 2) + 2 : 6); j++)
            {
                Tensor asked = q2.narrow(0, queries.Offsets[i] + 1, queries.LengthOf(i) - 1), answer = p2.narrow(0, passages.Offsets[j] + 1, passages.LengthOf(j) - 1);
                rows.Add(asked.matmul(answer.t()).amax([1]).mean());
            }
        }
        Tensor expected = stack(rows).view(3, -1);
        AssertClose(expected, scores);
        Tensor factor = rand(scores.shape, ScalarType.Float64);
        (scores * factor).sum().backward();
        (expected * factor).sum().backward();
        AssertClose(q2.grad!, q.grad!);
        AssertClose(p2.grad!, p.grad!);
    }

    [Fact]
    public void A_negative_above_the_positive_by_the_margin_does_not_count()
    {
        using var scope = NewDisposeScope();
        (M3Outputs q, M3Outputs p) = (Dense([[1, 0], [0, 1]]), Dense([[0.6, 0.8], [1, 0]]));
        ContrastiveObjective objective = new() { Contrast = new InfoNce(1) };
        // Query 0: 0.6 against 1.0. Query 1: positive 0, negative 0.8.
        Assert.Equal((Nats(0.6, 1.0) + Nats(0, 0.8)) / 2, Loss(objective, q, p), 1e-9);
        Assert.Equal(Nats(0.6, 1.0) / 2, Loss(objective with { FalseNegativeMargin = 0.5 }, q, p), 1e-9);
        Assert.Equal(0, Loss(objective with { FalseNegativeMargin = 0.1 }, q, p), 1e-9);
    }

    [Fact]
    public void Directions_further_columns_and_shorter_vectors_are_as_the_formulas_say()
    {
        using var scope = NewDisposeScope();
        (M3Outputs q, M3Outputs p) = (Dense([[1, 0], [0, 1]]), Dense([[0.6, 0.8], [1, 0]]));
        ContrastiveObjective objective = new() { Contrast = new InfoNce(1) };
        double plain = (Nats(0.6, 1) + Nats(0, 0.8)) / 2, back = (Nats(0.6, 0.8) + Nats(0, 1)) / 2;
        Assert.Equal((plain + back) / 2, Loss(objective with { BothDirections = true }, q, p), 1e-9);
        Assert.Equal((Nats(0.6, 1, 0) + Nats(0, 0.8, 0)) / 2, Loss(objective with { QueryQuery = true }, q, p), 1e-9);
        Assert.Equal((Nats(0.6, 1, 0.6) + Nats(0, 0.8, 0.6)) / 2, Loss(objective with { PassagePassage = true }, q, p), 1e-9);
        // First number alone: 1, 0 against 1, 1.
        double shorter = (Nats(1, 1) + Nats(0, 0)) / 2, shortBack = (Nats(1, 0) + Nats(0, 1)) / 2;
        Assert.Equal((plain + shorter) / 2, Loss(objective with { MatryoshkaDimensions = [1] }, q, p), 1e-9);
        Assert.Equal((((plain + back) / 2) + ((shorter + shortBack) / 2)) / 2, Loss(objective with { MatryoshkaDimensions = [1], BothDirections = true }, q, p), 1e-9);
        // What is above the positive by the margin does not count in the other direction and among further columns either.
        Assert.Equal((Nats(0.6, 1) + Nats(0.6, 0.8)) / 4, Loss(objective with { FalseNegativeMargin = 0.5, BothDirections = true }, q, p), 1e-9);
        Assert.Equal(Nats(0.6, 0.6) / 2, Loss(objective with { FalseNegativeMargin = 0.1, PassagePassage = true }, q, p), 1e-9);
    }

    [Fact]
    public void Parts_of_a_batch_confine_the_negatives_of_outputs_by_token_and_of_the_ensemble()
    {
        using var scope = NewDisposeScope();
        (TokenBatch asked, TokenBatch answers) = (Texts(5, 1, 9), Texts(10, 2, 9));
        var queries = new M3Outputs(asked, Vectors(5), Weights(asked.TokenCount, 3), Vectors(asked.TokenCount));
        var passages = new M3Outputs(answers, Vectors(10), Weights(answers.TokenCount, 4), Vectors(answers.TokenCount));
        ContrastiveObjective objective = new() { Contrast = new InfoNce(0.1), Outputs = EmbeddingModes.Dense | EmbeddingModes.Sparse | EmbeddingModes.MultiVector, WithoutWeight = s_special, Products = ScalarType.Float64 };
        var targets = new ContrastiveTargets(2, null, null);
        Dictionary<string, Tensor> first = [], second = [], left = [], right = [];
        ContrastiveObjective parted = objective with { TokenGroups = 2 };        // queries 0-2 and 3-4
        double loss = (0.6 * parted.Loss(queries, passages, targets, 0, 3, first).item<double>()) + (0.4 * parted.Loss(queries, passages, targets, 3, 2, second).item<double>());

        objective.Loss(queries.Texts(0, 3), passages.Texts(0, 6), targets, 0, 3, left);
        objective.Loss(queries.Texts(3, 2), passages.Texts(6, 4), targets, 0, 2, right);
        double Alone(string name) => (0.6 * left[name].item<double>()) + (0.4 * right[name].item<double>());
        double dense = (objective with { Outputs = EmbeddingModes.Dense }).Loss(queries, passages, targets, 0, 5, []).item<double>();
        Assert.NotEqual(dense, Alone("loss_dense"), 1e-3);
        Assert.Equal(dense, (0.6 * first["loss_dense"].item<double>()) + (0.4 * second["loss_dense"].item<double>()), 1e-9);
        Assert.Equal((dense + (0.1 * Alone("loss_sparse")) + Alone("loss_multi") + Alone("loss_ensemble")) / 4, loss, 1e-9);
        Assert.Throws<ArgumentException>(() => parted.Loss(queries, passages, targets, 2, 2, []));
    }

    [Fact]
    public void Without_in_batch_negatives_other_queries_take_no_part_and_an_answer_in_the_own_group_does_not_count()
    {
        using var scope = NewDisposeScope();
        (M3Outputs q, M3Outputs p) = (Dense([[1, 0], [0, 1]]), Dense([[0.6, 0.8], [1, 0], [0.8, 0.6], [0, 1]]));
        ContrastiveObjective own = new() { Contrast = new InfoNce(1, InBatchNegatives: false) };
        double Of(ContrastiveObjective objective, HiddenPassages? hidden) => objective.Loss(q, p, new ContrastiveTargets(2, hidden, null), 0, 2, []).item<double>();
        double expected = (Nats(0.6, 1) + Nats(0.6, 1)) / 2;
        Assert.Equal(expected, Of(own, null), 1e-9);
        Assert.Equal(expected, Of(own with { BothDirections = true, QueryQuery = true, PassagePassage = true }, null), 1e-9);
        // Column 3, the second of query 1's group, answers query 1 too; column 1 answers it as well, which is none of its business.
        Assert.Equal(Nats(0.6, 1) / 2, Of(own, new HiddenPassages([5, 7], 4)), 1e-9);
    }

    [Fact]
    public void Queries_whose_positives_answer_each_other_are_no_negatives_in_any_direction()
    {
        using var scope = NewDisposeScope();
        // Three queries of groups of two; the first's positive (column 0) answers the second query, and its negative (column 1) the third.
        double[][] q = [[1, 0], [0.8, 0.6], [0, 1]], p = [[0.6, 0.8], [1, 0], [0.8, 0.6], [0, 1], [0.96, 0.28], [0.28, 0.96]];
        double Cos(double[] a, double[] b) => (a[0] * b[0]) + (a[1] * b[1]);
        var hidden = new HiddenPassages([6, 13], 6);
        double Of(ContrastiveObjective objective) => objective.Loss(Dense(q), Dense(p), new ContrastiveTargets(2, hidden, null), 0, 3, []).item<double>();
        ContrastiveObjective plain = new() { Contrast = new InfoNce(1) };
        // What counts against query i among passages, queries and positives.
        int[][] passages = [[1, 2, 3, 4, 5], [1, 3, 4, 5], [0, 2, 3, 5]], others = [[2], [2], [0, 1]];
        double Mean(Func<int, double> of) => Enumerable.Range(0, 3).Sum(of) / 3;
        IEnumerable<double> Forward(int i) => passages[i].Select(j => Cos(q[i], p[j]));
        IEnumerable<double> Queries(int i) => others[i].Select(j => Cos(q[i], q[j]));
        IEnumerable<double> Positives(int i) => others[i].Select(j => Cos(p[2 * i], p[2 * j]));
        double forward = Mean(i => Nats(Cos(q[i], p[2 * i]), [.. Forward(i)]));
        Assert.Equal(forward, Of(plain), 1e-9);
        Assert.Equal((forward + Mean(i => Nats(Cos(p[2 * i], q[i]), [.. others[i].Select(j => Cos(p[2 * i], q[j]))]))) / 2, Of(plain with { BothDirections = true }), 1e-9);
        Assert.Equal(Mean(i => Nats(Cos(q[i], p[2 * i]), [.. Forward(i), .. Queries(i)])), Of(plain with { QueryQuery = true }), 1e-9);
        Assert.Equal(Mean(i => Nats(Cos(q[i], p[2 * i]), [.. Forward(i), .. Queries(i), .. Positives(i)])), Of(plain with { QueryQuery = true, PassagePassage = true }), 1e-9);
        Assert.Contains("make scoreBlock smaller", Assert.Throws<BadInput>(() => new HiddenPassages([6], 100_000).Rows(0, 100_000, CPU)).Message, StringComparison.Ordinal);
        // Block by block it is the same.
        ContrastiveObjective all = plain with { BothDirections = true, QueryQuery = true, PassagePassage = true };
        double blocks = Enumerable.Range(0, 3).Sum(i => all.Loss(Dense(q), Dense(p), new ContrastiveTargets(2, hidden, null), i, 1, []).item<double>()) / 3;
        Assert.Equal(Of(all), blocks, 1e-9);
    }

    [Fact]
    public void Sentence_pairs_learn_order_or_value()
    {
        using var scope = NewDisposeScope();
        Tensor cosines = tensor(new[] { 0.9, 0.1, 0.5 }), grades = tensor(new[] { 1.0, 0.0, 1.0 });
        Assert.Equal(Math.Log(1 + Math.Exp(-0.8 / 0.05) + Math.Exp(-0.4 / 0.05)), SentencePairs.CoSent(cosines, grades, 0.05).item<double>(), 1e-9);
        Assert.Equal(0, SentencePairs.CoSent(cosines, tensor(new[] { 1.0, 1.0, 1.0 }), 0.05).item<double>(), 1e-9);
        Assert.Equal((0.01 + 0.01 + 0.25) / 3, SentencePairs.Cosine(cosines, grades).item<double>(), 1e-9);
    }

    [Fact]
    public void Margin_mse_compares_margins()
    {
        using var scope = NewDisposeScope();
        Tensor scores = tensor(new[] { 3.0, 1.0, 9.0, 9.0, 9.0, 9.0, 2.0, 4.0 }).view(2, 4), teacher = tensor(new[] { 5.0, 1.0, 1.0, 1.0 }).view(2, 2);
        // Own groups (3, 1) and (2, 4): margins 2 and −2 against 4 and 0.
        Assert.Equal((4 + 4) / 2.0, new Distillation(new InfoNce()).MarginMse(scores, teacher).item<double>(), 1e-9);
        // A lone passage has no margin.
        Assert.Equal(0, new Distillation(new InfoNce()).MarginMse(scores, teacher.narrow(1, 0, 1)).item<double>());
    }

    [Fact]
    public void A_passage_that_the_teacher_does_not_know_has_no_margin_and_no_gradient()
    {
        using var scope = NewDisposeScope();
        Tensor scores = tensor(new[] { 3.0, 1.0, 5.0, 2.0, 4.0, 1.0 }).view(2, 3).requires_grad_(), teacher = tensor(new[] { 5.0, 1.0, double.NaN, 1.0, double.NaN, double.NaN }).view(2, 3);
        Tensor loss = new Distillation(new InfoNce(1, InBatchNegatives: false)).MarginMse(scores, teacher);
        // One known margin of four: 2 against 4.
        Assert.Equal(4 / 4.0, loss.item<double>(), 1e-9);
        loss.backward();
        Assert.Equal([-1.0, 1.0, 0, 0, 0, 0], scores.grad!.data<double>().ToArray());
    }

    [Fact]
    public void Groups_of_their_own_learn_from_a_teacher_at_its_temperature_as_the_formulas_say()
    {
        using var scope = NewDisposeScope();
        (M3Outputs q, M3Outputs p) = (Dense([[1, 0], [0, 1]]), Dense([[0.6, 0.8], [1, 0], [0.8, 0.6], [0, 1]]));
        double[][] own = [[0.6, 1], [0.6, 1]], teacher = [[2, 0], [1, 3]];
        double Of(TeacherUse use, double temperature) => new ContrastiveObjective { Contrast = new InfoNce(1, InBatchNegatives: false), Teacher = use, TeacherTemperature = temperature }
            .Loss(q, p, new ContrastiveTargets(2, null, tensor(teacher.SelectMany(t => t).ToArray()).view(2, 2)), 0, 2, []).item<double>();
        foreach (double temperature in new[] { 1.0, 4.0 })
        {
            double ordered = 0, divergence = 0, margins = 0;
            for (int i = 0; i < 2; i++)
            {
                double[] t = [.. teacher[i].Select(x => Math.Exp(x / temperature))];
                (double first, double second) = (t[0] / t.Sum(), t[1] / t.Sum());
                // The second column alone is left when the first is hidden: its loss is 0.
                ordered += first * Nats(own[i][0], own[i][1]) / 2;
                divergence += (Nats(own[i][0], own[i][1]) + (first * Nats(own[i][0], own[i][1])) + (second * Nats(own[i][1], own[i][0]))) / 2;
                margins += (Math.Pow(own[i][0] - own[i][1] - ((teacher[i][0] - teacher[i][1]) / temperature), 2) + Nats(own[i][0], own[i][1])) / 2;
            }
            Assert.Equal(ordered, Of(TeacherUse.Ordered, temperature), 1e-9);
            Assert.Equal(divergence, Of(TeacherUse.KlDivergence, temperature), 1e-9);
            Assert.Equal(margins, Of(TeacherUse.MarginMse, temperature), 1e-9);
        }
    }

    [Theory]
    [InlineData(TeacherUse.None, false), InlineData(TeacherUse.None, true), InlineData(TeacherUse.KlDivergence, false), InlineData(TeacherUse.KlDivergence, true)]
    [InlineData(TeacherUse.Ordered, false), InlineData(TeacherUse.Ordered, true), InlineData(TeacherUse.MarginMse, false), InlineData(TeacherUse.MarginMse, true)]
    public void A_query_with_its_own_group_alone_is_a_batch_of_one_query_for_all_outputs_and_teachers(TeacherUse use, bool selfDistill)
    {
        using var scope = NewDisposeScope();
        (TokenBatch asked, TokenBatch answers) = (Texts(4, 1, 9), Texts(12, 2, 9));
        var queries = new M3Outputs(asked, Vectors(4), Weights(asked.TokenCount, 3), Vectors(asked.TokenCount));
        var passages = new M3Outputs(answers, Vectors(12), Weights(answers.TokenCount, 4), Vectors(answers.TokenCount));
        Tensor? teacher = use == TeacherUse.None ? null : tensor(new[] { 5.0, 1, 2, 3, 4, 0, 1, 1, -2, 7, 6, 5 }).view(4, 3);
        ContrastiveObjective own = new()
        {
            Contrast = new InfoNce(0.1, InBatchNegatives: false),
            Outputs = EmbeddingModes.All,
            WithoutWeight = s_special,
            Products = ScalarType.Float64,
            Teacher = use,
            TeacherTemperature = 2,
            SelfDistill = selfDistill,
        };
        double together = own.Loss(queries, passages, new ContrastiveTargets(3, null, teacher), 0, 4, []).item<double>();
        double alone = Enumerable.Range(0, 4).Average(i => (own with { Contrast = new InfoNce(0.1) })
            .Loss(queries.Texts(i, 1), passages.Texts(i * 3, 3), new ContrastiveTargets(3, null, teacher?.narrow(0, i, 1)), 0, 1, []).item<double>());
        Assert.Equal(alone, together, 1e-9);
    }

    private static double Loss(ContrastiveObjective objective, M3Outputs q, M3Outputs p) => objective.Loss(q, p, new ContrastiveTargets(1, null, null), 0, 2, []).item<double>();

    private static double Nats(double positive, params double[] negatives) => Math.Log(Math.Exp(positive) + negatives.Sum(Math.Exp)) - positive;

    private static M3Outputs Dense(double[][] rows)
        => new(TokenBatch.Of([.. rows.Select(_ => new[] { 0, 1 })]), tensor(rows.SelectMany(r => r).ToArray()).view(rows.Length, -1), null, null);

    private static TokenBatch Texts(int count, ulong seed, int vocabulary)
    {
        var random = new SeededRandom(seed);
        var texts = new int[count][];
        for (int i = 0; i < count; i++)
        {
            var ids = new List<int> { 0 };
            for (int n = 1 + random.Next(12); n > 0; n--)
            {
                ids.Add(2 + random.Next(vocabulary));
            }
            texts[i] = [.. ids, 1];
        }
        return TokenBatch.Of(texts);
    }

    private static Tensor Weights(int count, long seed)
    {
        random.manual_seed(seed);
        return (rand(count, ScalarType.Float64) - 0.3).relu().detach().requires_grad_();
    }

    private static Tensor Vectors(int count) => nn.functional.normalize(randn(count, 5, ScalarType.Float64), dim: 1).detach().requires_grad_();

    private static Tensor Wide(Tensor weights, TokenBatch batch)
    {
        var rows = new List<Tensor>();
        for (int i = 0; i < batch.Count; i++)
        {
            Tensor ids = tensor(batch[i].ToArray().Select(id => (long)id).ToArray());
            Tensor cells = zeros(batch.LengthOf(i), 40, ScalarType.Float64).scatter(1, ids.unsqueeze(1), weights.narrow(0, batch.Offsets[i], batch.LengthOf(i)).unsqueeze(1));
            Tensor largest = cells.max(0).values;
            rows.Add(cat([zeros(2, ScalarType.Float64), largest.narrow(0, 2, 38)], 0));
        }
        return stack(rows);
    }

    private static void AssertClose(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.True((expected - actual).abs().max().item<double>() < 1e-12, $"{expected.ToString(TorchSharp.TensorStringStyle.Julia)} expected, {actual.ToString(TorchSharp.TensorStringStyle.Julia)} computed");
    }
}
