using BgeSharp.Training.Objectives;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Objectives;

public sealed class LateInteractionTests
{
    private const int Size = 5;

    // Tokens of each text, with the first one, which takes no part: texts of one token have no vectors.
    private static readonly int[] s_queries = [4, 2, 1, 31, 9, 3], s_passages = [12, 3, 1, 2, 41, 7, 7, 20, 5, 2, 9, 16];

    [Theory]
    [InlineData(false, 1), InlineData(false, 60), InlineData(false, 400), InlineData(false, 3000)]
    [InlineData(true, 1), InlineData(true, 60), InlineData(true, 400), InlineData(true, 3000)]
    public void Scores_and_gradients_are_those_of_the_formula_however_small_the_chunks_are(bool own, int chunk)
    {
        using var scope = NewDisposeScope();
        (int[] asked, int[] answers) = (Offsets(s_queries), Offsets(s_passages));
        random.manual_seed(3);
        Tensor q = Vectors(asked[^1]), p = Vectors(answers[^1]), q2 = q.detach().requires_grad_(), p2 = p.detach().requires_grad_();
        Tensor scores = LateInteraction.Scores(q, asked, p, answers, 1, own, ScalarType.Float64, chunk);
        int group = own ? s_passages.Length / s_queries.Length : s_passages.Length;
        var rows = new List<Tensor>();
        for (int i = 0; i < s_queries.Length; i++)
        {
            for (int j = own ? i * group : 0, end = j + group; j < end; j++)
            {
                Tensor query = q2.narrow(0, asked[i] + 1, s_queries[i] - 1), passage = p2.narrow(0, answers[j] + 1, s_passages[j] - 1);
                rows.Add(s_queries[i] > 1 && s_passages[j] > 1 ? query.matmul(passage.t()).amax([1]).mean() : zeros(1, ScalarType.Float64).sum());
            }
        }
        Tensor expected = stack(rows).view(s_queries.Length, group);
        AssertClose(expected, scores);
        Tensor factor = rand(scores.shape, ScalarType.Float64);
        (scores * factor).sum().backward();
        (expected * factor).sum().backward();
        AssertClose(q2.grad!, q.grad!);
        AssertClose(p2.grad!, p.grad!);
    }

    [Theory, InlineData(1), InlineData(60), InlineData(400), InlineData(3000), InlineData(100_000)]
    public void Every_token_stands_in_one_block_and_no_chunk_is_larger_than_its_size_but_for_one_token_by_one_passage(int chunk)
    {
        int[] asked = Offsets(s_queries), answers = Offsets(s_passages);
        (List<LateInteraction.Piece[]> queries, List<LateInteraction.Piece[]> passages) =
            LateInteraction.Blocks(LateInteraction.Texts(asked, 0, s_queries.Length, 1), LateInteraction.Texts(answers, 0, s_passages.Length, 1), chunk, Size);
        Assert.Equal(Tokens(asked), Rows(queries));
        Assert.Equal(Tokens(answers), Rows(passages));
        Assert.All(passages.SelectMany(b => b), piece => Assert.Equal(piece.Of, piece.Length));
        Assert.Equal(s_queries.Sum() - s_queries.Length, queries.SelectMany(b => b).GroupBy(piece => piece.Text).Sum(text => text.First().Of));
        Assert.All(queries, b => Assert.Equal(b.Length, b.DistinctBy(piece => piece.Text).Count()));
        int longest = s_passages.Max() - 1;
        Assert.All(queries.SelectMany(q => passages.Select(p => (Cells(q), Cells(p)))), c =>
        {
            Assert.InRange(c.Item1 * c.Item2, 1, Math.Max(chunk, longest));
            Assert.InRange(c.Item1 * Size, 1, Math.Max(chunk, Size));
            Assert.InRange(c.Item2 * Size, 1, Math.Max(chunk, longest * Size));
        });
        Assert.Equal(chunk == 100_000, queries.Count == 1);
        Assert.Equal(chunk == 100_000, passages.Count == 1);
    }

    [Fact]
    public void A_side_without_vectors_has_scores_of_0_and_no_gradient()
    {
        using var scope = NewDisposeScope();
        Tensor q = Vectors(2), p = Vectors(5);
        Tensor scores = LateInteraction.Scores(q, [0, 1, 2], p, [0, 3, 5], 1, false, ScalarType.Float64, 10);
        Assert.Equal([0.0, 0, 0, 0], scores.data<double>().ToArray());
        scores.sum().backward();
        Assert.Equal(0, q.grad!.abs().max().item<double>());
        Assert.Equal(0, p.grad!.abs().max().item<double>());
    }

    private static int Cells(LateInteraction.Piece[] block) => block.Length * block.Max(piece => piece.Length);

    private static int[] Offsets(int[] lengths) => [0, .. lengths.Select((_, i) => lengths[..(i + 1)].Sum())];

    // Rows of all tokens but each text's first.
    private static IEnumerable<int> Tokens(int[] offsets) => Enumerable.Range(0, offsets[^1]).Except(offsets);

    private static IEnumerable<int> Rows(List<LateInteraction.Piece[]> blocks) => blocks.SelectMany(b => b).SelectMany(piece => Enumerable.Range(piece.Row, piece.Length)).Order();

    private static Tensor Vectors(int count) => nn.functional.normalize(randn(count, Size, ScalarType.Float64), dim: 1).detach().requires_grad_();

    private static void AssertClose(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.True((expected - actual).abs().max().item<double>() < 1e-12, $"{expected.ToString(TorchSharp.TensorStringStyle.Julia)} expected, {actual.ToString(TorchSharp.TensorStringStyle.Julia)} computed");
    }
}
