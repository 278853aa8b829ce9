// Mining within a run, over vectors made by hand: each option drops the passages that it says and no others.

using BgeSharp.Embeddings;
using BgeSharp.Text;
using BgeSharp.Training.Collectives;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Data;

namespace BgeSharp.Training.Tests.Stages.Runs;

public sealed class HardNegativeSearchTests : IDisposable
{
    // The first number is the cosine with the query a. Its answer p stands at rank 1: b | p | c d e f g h. Cosines with p: b .64, c .996, d .56, e .954, f .4, g .32, h .24.
    private static readonly Dictionary<string, float[]> s_vectors = new()
    {
        ["a"] = Unit(1, 0),
        ["b"] = Unit(0.95, -0.2),
        ["p"] = Unit(0.8, 0.6),
        ["c"] = Unit(0.78, 0.62),
        ["d"] = Unit(0.7, 0),
        ["e"] = Unit(0.6, 0.79),
        ["f"] = Unit(0.5, 0),
        ["g"] = Unit(0.4, 0),
        ["h"] = Unit(0.3, 0),
        ["z"] = Unit(-0.1, 0.9),
    };

    private static readonly HardNegativeOptions s_all = new() { FromRank = 0, ToRank = 100, PerQuery = 100, RelativeMargin = 0, AbsoluteMargin = 0, DuplicateCosine = 1 };
    private readonly TemporaryFolder _folder = new();
    private readonly WordPieceTokenizer _tokenizer = TinyModel.Tokenizer();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0, 100, 0.0, 0.0, 1.0, "bcdefgh")]
    [InlineData(2, 5, 0.0, 0.0, 1.0, "cde")]
    [InlineData(1, 3, 0.0, 0.0, 1.0, "c")]              // the answer takes a rank
    [InlineData(7, 8, 0.0, 0.0, 1.0, "h")]
    [InlineData(8, 9, 0.0, 0.0, 1.0, "")]
    [InlineData(0, 100, 0.9, 0.0, 1.0, "defgh")]        // below .72
    [InlineData(0, 100, 1.0, 0.0, 1.0, "cdefgh")]       // below the answer
    [InlineData(0, 100, 1.2, 0.0, 1.0, "bcdefgh")]      // below .96
    [InlineData(0, 100, 0.0, 0.05, 1.0, "defgh")]       // below .75
    [InlineData(0, 100, 0.0, 0.15, 1.0, "efgh")]        // below .65
    [InlineData(0, 100, 0.9, 0.25, 1.0, "fgh")]         // the stricter of .72 and .55
    [InlineData(0, 100, 0.6, 0.05, 1.0, "gh")]          // of .48 and .75
    [InlineData(0, 100, 0.0, 0.0, 0.98, "bdefgh")]
    [InlineData(0, 100, 0.0, 0.0, 0.95, "bdfgh")]
    [InlineData(0, 100, 0.0, 0.0, 0.6, "dfgh")]
    [InlineData(1, 7, 0.97, 0.0, 0.95, "dfg")]          // ranks p c d e f g, below .776, no near-duplicates
    public void Each_option_drops_what_it_says(int fromRank, int toRank, double relative, double absolute, double duplicate, string expected)
    {
        HardNegativeOptions options = s_all with { FromRank = fromRank, ToRank = toRank, RelativeMargin = relative, AbsoluteMargin = absolute, DuplicateCosine = duplicate };
        Assert.Equal([expected], Mine(options, 1, new TrainingExample("a", ["p"], ["h", "c", "b", "g", "d", "f", "e"])));
    }

    [Theory, InlineData("h", "p"), InlineData("p", "h")]
    public void Margins_are_those_of_the_best_answer_and_near_duplicates_those_of_any(string first, string second)
    {
        var example = new TrainingExample("a", [first, second], ["b", "c", "d", "e", "f", "g"]);
        Assert.Equal(["defg"], Mine(s_all with { RelativeMargin = 0.9 }, 1, example));
        Assert.Equal(["bd"], Mine(s_all with { DuplicateCosine = 0.95 }, 1, example));        // c and e are near p, g and f near h
    }

    [Fact]
    public void What_answers_the_query_in_another_example_and_its_own_text_are_no_negatives()
        => Assert.Equal(["bcefgh", "bcefgh", "bcdefghp"], Mine(s_all, 1, new("a", ["p"], ["b", "c", "e", "f"]), new("a", ["d"], []), new("z", ["a"], ["g", "h"])));

    [Fact]
    public void So_many_are_drawn_as_are_asked_for_by_the_seed()
    {
        var example = new TrainingExample("a", ["p"], ["h", "c", "b", "g", "d", "f", "e"]);
        string[] drawn = [.. Enumerable.Range(1, 20).Select(seed => Assert.Single(Mine(s_all with { PerQuery = 3, RelativeMargin = 1 }, seed, example)))];
        Assert.All(drawn, d => Assert.Equal(3, d.Intersect("cdefgh").Count()));
        Assert.All(drawn, d => Assert.Equal(3, d.Length));
        Assert.Equal("cdefgh", string.Concat(drawn.SelectMany(d => d).Distinct().Order()));
        Assert.Equal(drawn[6], Assert.Single(Mine(s_all with { PerQuery = 3, RelativeMargin = 1 }, 7, example)));
    }

    // The negatives of each example, in the order of the alphabet.
    private string[] Mine(HardNegativeOptions options, long seed, params TrainingExample[] examples)
    {
        using PairStore store = PairStore.Create(Path.Combine(_folder.Path, Guid.NewGuid().ToString("N")), examples, _tokenizer, 16, 16, "", negatives: true);
        var work = new WatchedWork(LocalProcessGroup.Instance, SilentObserver.Instance, TimeProvider.System, CancellationToken.None);
        int[][] found = HardNegativeSearch.Find(store, new GivenVectors(_tokenizer), options, seed, work);
        return [.. found.Select(rows => string.Concat(rows.Select(row => _tokenizer.Decode(store.Passages[row])).Order(StringComparer.Ordinal)))];
    }

    private static float[] Unit(double first, double second) => [(float)first, (float)second, (float)Math.Sqrt(Math.Max(0, 1 - (first * first) - (second * second)))];

    private sealed class GivenVectors(WordPieceTokenizer tokenizer) : IEncoder
    {
        public int Dimension => 3;

        public int MaxLength => 64;

        public M3Embedding[] Encode(TokenBatch batch) => [.. Enumerable.Range(0, batch.Count).Select(i => new M3Embedding(s_vectors[tokenizer.Decode(batch[i])]))];
    }
}
