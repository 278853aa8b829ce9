using System.Globalization;
using BgeSharp.Embeddings;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Negatives;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Data;

public sealed class NegativeMiningTests : IDisposable
{
    private const int Size = 16;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Ranks_margins_and_answers_are_obeyed()
    {
        Candidate[] ranked = [.. Enumerable.Range(0, 10).Select(i => new Candidate(i, 1.0 - (0.05 * i)))];
        var rules = new NegativeRules { FromRank = 1, ToRank = 9, PerQuery = 10, RelativeMargin = 0.9, AbsoluteMargin = 0 };
        // Positive 1.0: below 0.9 are rows 3 to 8; row 4 is an answer.
        Assert.Equal([3, 5, 6, 7, 8], NegativeChoice.Choose(ranked, 1.0, row => row == 4, null, rules, 1).Order());
        Assert.Equal([6, 7, 8], NegativeChoice.Choose(ranked, 1.0, row => row == 4, null, rules with { AbsoluteMargin = 0.3 - 1e-9 }, 1).Order());
        Assert.Equal([3, 5], NegativeChoice.Choose(ranked, 1.0, row => row == 4, rows => [.. rows.Select(r => r > 5)], rules with { PerQuery = 2 }, 1).Order());
        Assert.Equal(2, NegativeChoice.Choose(ranked, 1.0, _ => false, null, rules with { PerQuery = 2 }, 1).Length);
        Assert.Equal(8, NegativeChoice.Choose(ranked, double.NaN, _ => false, null, rules, 1).Length);
        Assert.Empty(NegativeChoice.Choose(ranked, -0.5, _ => false, null, rules, 1));
    }

    [Fact]
    public void An_answer_that_the_corpus_gives_a_title_is_no_negative()
    {
        string[] bare = ["the cat sat on the mat", "the cat ate the mat", "a dog"], corpus = [.. bare.Select((t, i) => $"Title {i}\n{t}")];
        TrainingExample mined = Assert.Single(new NegativeMining([new("cat mat", [bare[0]], [])], corpus, new NegativeRules { FromRank = 0, ToRank = 3, PerQuery = 3, RelativeMargin = 2 }, 7) { WithoutTitle = bare }.WithBm25());
        Assert.Equal([corpus[1]], mined.Negatives);
    }

    [Fact]
    public void Each_side_is_encoded_with_its_instruction_and_negatives_are_written_without()
    {
        var seen = new List<string>();
        using EmbeddingCache queries = EmbeddingCache.Open(_folder.Path, "q", Size), passages = EmbeddingCache.Open(_folder.Path, "p", Size);
        IEnumerable<float[]> Encode(IEnumerable<string> texts) => texts.Select((text, i) =>
        {
            seen.Add(text);
            var vector = new float[Size];
            (vector[0], vector[1]) = (1, 0.1f * i);
            return vector;
        });
        TrainingExample mined = Assert.Single(new NegativeMining([new("a", ["b"], [])], ["b", "c"], new NegativeRules { FromRank = 0, ToRank = 2, PerQuery = 1, RelativeMargin = 2, DuplicateCosine = 1 }, 7)
            .WithModel(new CachedEncoder(Encode, queries), new CachedEncoder(Encode, passages), ScalarType.Float32, "q: ", "p: "));
        Assert.Equal(["q: a", "p: b", "p: c"], seen);
        Assert.Equal(["c"], mined.Negatives);
    }

    [Fact]
    public void A_model_mines_what_is_near_and_no_answer_and_the_cache_spares_the_second_run()
    {
        // Text n has the direction n; neighbours are near. Passage 5 with other spelling is the same answer.
        string[] corpus = [.. Enumerable.Range(0, 30).Select(i => i.ToString(CultureInfo.InvariantCulture)), "5!"];
        TrainingExample[] examples = [new("q5", ["5"], ["29"]) { NegativeScores = [1] }];
        int encoded = 0;
        TrainingExample[] Mine()
        {
            using EmbeddingCache queries = EmbeddingCache.Open(_folder.Path, "q", Size), passages = EmbeddingCache.Open(_folder.Path, "p", Size);
            return [.. new NegativeMining(examples, corpus, new NegativeRules { FromRank = 0, ToRank = 6, PerQuery = 3, RelativeMargin = 0.99, DuplicateCosine = 1 }, 7) { BlockRows = 7 }
                .WithModel(new CachedEncoder(Encode, queries), new CachedEncoder(Encode, passages), ScalarType.Float32)];
        }
        IEnumerable<float[]> Encode(IEnumerable<string> texts)
        {
            foreach (string text in texts)
            {
                encoded++;
                double angle = 0.15 * int.Parse(text.Trim('q', '!'), CultureInfo.InvariantCulture);
                var vector = new float[Size];
                (vector[0], vector[1]) = ((float)Math.Cos(angle), (float)Math.Sin(angle));
                yield return vector;
            }
        }
        TrainingExample mined = Assert.Single(Mine());
        Assert.Equal(32, encoded);
        Assert.Null(mined.NegativeScores);
        Assert.NotEmpty(mined.Negatives);
        Assert.All(mined.Negatives, n => Assert.Contains(n, new[] { "3", "4", "6", "7" }));
        Assert.Equal(mined.Negatives, Assert.Single(Mine()).Negatives);
        Assert.Equal(32, encoded);
    }

    [Fact]
    public void BM25_mines_without_a_model()
    {
        string[] corpus = ["the cat sat on the mat", "the cat ate a fish", "a dog barked", "Cat on the mat sat, the!", "cats and mats"];
        TrainingExample mined = Assert.Single(new NegativeMining([new("cat mat", [corpus[0]], [])], corpus, new NegativeRules { FromRank = 0, ToRank = 5, PerQuery = 5 }, 1) { Teacher = new Vetoing() }.WithBm25());
        Assert.DoesNotContain(corpus[0], mined.Negatives);
        Assert.Contains(corpus[1], mined.Negatives);
        Assert.DoesNotContain(corpus[3], mined.Negatives);      // the teacher takes it for an answer
    }

    [Fact]
    public void The_answer_of_an_equal_query_on_another_line_is_no_negative()
    {
        string[] corpus = ["the cat sat on the mat", "the cat ate a mat", "a mat for a dog"];
        TrainingExample[] mined = [.. new NegativeMining([new("cat mat", [corpus[0]], []), new("cat mat", [corpus[1]], []), new("cat mat", [corpus[0]], []) { Prompt = "other: " }], corpus,
            new NegativeRules { FromRank = 0, ToRank = 5, PerQuery = 5, RelativeMargin = 0 }, 1).WithBm25()];
        Assert.Equal([corpus[2]], mined[0].Negatives);
        Assert.Equal([corpus[2]], mined[1].Negatives);
        Assert.Contains(corpus[1], mined[2].Negatives);        // asked with another prompt, it is another query
    }

    [Fact]
    public void A_text_with_the_id_of_an_answer_is_no_negative_and_ids_are_written()
    {
        string[] corpus = ["the cat sat on the mat", "a mat with a cat on it", "a mat for a dog", "mat and cat"];
        TrainingExample[] examples = [new("cat mat", ["something else"], []) { PositiveIds = ["1"] }, new("dog mat", [corpus[2]], ["x"]) { NegativeIds = ["x"] }];
        var rules = new NegativeRules { FromRank = 0, ToRank = 4, PerQuery = 4, RelativeMargin = 0 };
        TrainingExample[] mined = [.. new NegativeMining(examples, corpus, rules, 1) { Ids = [["0"], ["1"], ["2"], ["3"]] }.WithBm25()];
        Assert.Equal(["0", "2", "3"], mined[0].NegativeIds!.Order());
        Assert.Equal(mined[0].Negatives, mined[0].NegativeIds!.Select(id => corpus[int.Parse(id, CultureInfo.InvariantCulture)]));
        Assert.Equal(["0", "1", "3"], mined[1].NegativeIds!.Order());
        mined = [.. new NegativeMining(examples, corpus, rules, 1) { Ids = [[], ["5", "1"], [], []] }.WithBm25()];
        Assert.All(mined, m => Assert.Null(m.NegativeIds));
        Assert.DoesNotContain(corpus[1], mined[0].Negatives);
        // The corpus knows the answer's id though the line does not.
        TrainingExample unnamed = Assert.Single(new NegativeMining([new("cat mat", [corpus[0]], [])], corpus, rules, 1) { Ids = [["7"], ["7"], ["2"], ["3"]] }.WithBm25());
        Assert.Equal(["2", "3"], unnamed.NegativeIds!.Order());
    }

    [Fact]
    public void Near_duplicates_of_an_answer_on_any_line_are_no_negatives()
    {
        const string text = "员工每年享有十天带薪年休假，未休的假期可以顺延到次年三月底";
        string[] corpus = [text, text.Replace("十天", "拾天", StringComparison.Ordinal), "年休假的申请应当提前两周提交给主管", "病假需要医院开具的证明"];
        TrainingExample[] examples = [new("年休假", [corpus[2]], []), new("年休假", [text], [])];
        TrainingExample[] Bm25(double cosine) => [.. new NegativeMining(examples, corpus, new NegativeRules { FromRank = 0, ToRank = 4, PerQuery = 4, RelativeMargin = 0, DuplicateCosine = cosine }, 1).WithBm25()];
        Assert.All(Bm25(1), m => Assert.Contains(corpus[1], m.Negatives));
        Assert.All(Bm25(0.85), m => Assert.DoesNotContain(corpus[1], m.Negatives));
        TrainingExample[] Model(double cosine)
        {
            using EmbeddingCache queries = EmbeddingCache.Open(_folder.Path, "q", Size), passages = EmbeddingCache.Open(_folder.Path, "p", Size);
            return [.. new NegativeMining(examples, corpus, new NegativeRules { FromRank = 0, ToRank = 4, PerQuery = 4, RelativeMargin = 0, DuplicateCosine = cosine }, 1)
                .WithModel(new CachedEncoder(Encode, queries), new CachedEncoder(Encode, passages), ScalarType.Float32)];
        }
        IEnumerable<float[]> Encode(IEnumerable<string> texts) => texts.Select(t =>
        {
            double angle = Array.IndexOf(corpus, t) is int at and > 0 ? 0.1 * at * at : 0;        // cosines with the first: 0.995, 0.92, 0.62
            var vector = new float[Size];
            (vector[0], vector[1]) = ((float)Math.Cos(angle), (float)Math.Sin(angle));
            return vector;
        });
        Assert.All(Model(1), m => Assert.Equal([corpus[1], corpus[3]], m.Negatives.Order(StringComparer.Ordinal).OrderBy(n => Array.IndexOf(corpus, n))));
        Assert.All(Model(0.99), m => Assert.Equal([corpus[3]], m.Negatives));
    }

    [Fact]
    public void A_search_for_negatives_tells_how_far_it_is_and_ends_where_that_is_asked_for()
    {
        string[] corpus = [.. Enumerable.Range(0, 30).Select(i => i.ToString(CultureInfo.InvariantCulture))];
        using EmbeddingCache queries = EmbeddingCache.Open(_folder.Path, "q", Size), passages = EmbeddingCache.Open(_folder.Path, "p", Size);
        var told = new List<(long Done, long All, string What)>();
        TrainingExample[] Mine(bool words, Action<long, long, string> progress)
        {
            var mining = new NegativeMining([new("q", [corpus[0]], [])], corpus, new NegativeRules { FromRank = 0, ToRank = 6, PerQuery = 3 }, 7) { BlockRows = 7, Progress = progress };
            return [.. (words ? mining.WithBm25() : mining.WithModel(new CachedEncoder(Encode, queries), new CachedEncoder(Encode, passages), ScalarType.Float32))];
        }
        static IEnumerable<float[]> Encode(IEnumerable<string> texts) => texts.Select(_ =>
        {
            var vector = new float[Size];
            vector[0] = 1;
            return vector;
        });
        void Tell(long done, long all, string what) => told.Add((done, all, what));
        void End(long done, long all, string what)
        {
            Tell(done, all, what);
            throw new OperationCanceledException();
        }

        Mine(words: false, Tell);
        Assert.Equal([7, 14, 21, 28, 30], told.Select(t => t.Done));
        Assert.All(told, t => Assert.Equal((30L, "passages searched"), (t.All, t.What)));
        told.Clear();
        Assert.Throws<OperationCanceledException>(() => Mine(words: false, End));
        Assert.Equal((7L, 30L, "passages searched"), Assert.Single(told));
        told.Clear();
        Assert.Throws<OperationCanceledException>(() => Mine(words: true, End));
        Assert.Equal((0L, 30L, "passages indexed"), Assert.Single(told));
    }

    private sealed class Vetoing : IReranker
    {
        public int MaxLength => 512;

        public float[] Score(IReadOnlyList<TextPair> pairs) => [.. pairs.Select(p => p.Passage.Contains("sat", StringComparison.Ordinal) ? 1f : 0)];
    }
}
