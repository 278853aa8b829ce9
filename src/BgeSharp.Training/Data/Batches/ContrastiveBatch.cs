// A contrastive batch as plain arrays: queries, their passages group by group, and which columns are positives in disguise.

using BgeSharp.Text;

namespace BgeSharp.Training.Data.Batches;

/// <summary>How the passages of a batch are drawn.</summary>
/// <param name="Group">G, passages per query, where the source's type does not say otherwise.</param>
/// <param name="WithTeacher">True brings teacher scores along; then a query with too few negatives repeats its own.</param>
/// <param name="SortByTeacher">True puts the negatives of a query in falling order of their teacher scores.</param>
/// <param name="Plain">True reads the texts without instructions.</param>
public sealed record GroupDraw(int Group, bool WithTeacher = false, bool SortByTeacher = false, bool Plain = false)
{
    /// <summary>True when a query is compared with its own group only: then, with too few negatives, it repeats its own instead of borrowing other queries' positives.</summary>
    public bool OwnGroup { get; init; }

    /// <summary>True gives a query somebody's passage where the type of its source would leave it alone with its answer: for stages in which no query meets others' groups.</summary>
    public bool NeverAlone { get; init; }

    /// <summary>True lets sources be without scores: their batches come without a teacher.</summary>
    public bool TeacherIsOptional { get; init; }

    /// <summary>True gives passages that the teacher does not know NaN; false a score that leaves nothing of them in a softmax.</summary>
    public bool MarksUnknown { get; init; }

    /// <summary>What teacher scores will be divided by.</summary>
    public double TeacherTemperature { get; init; } = 1;

    /// <summary>Probability that a long positive comes with its parts in another order (<see cref="PassageParts"/>). Texts without instructions never do.</summary>
    public double ShuffleRatio { get; init; }
}

/// <summary>Queries and passages of a step.</summary>
/// <param name="Queries">Q texts.</param>
/// <param name="Passages">Q·G texts; the positive of query i is text i·G.</param>
/// <param name="Hidden">Places (row · Q·G + column, ascending) in [Q, Q·G] whose column holds a text that is a positive of the row's query elsewhere; null when there is none. A table of all places would be
/// half a gigabyte for 8,192 queries of 8 passages.</param>
public sealed record ContrastiveBatch(TokenBatch Queries, TokenBatch Passages, long[]? Hidden)
{
    // Logits below the positive at which a softmax leaves nothing.
    private const float FarBelow = 30;

    /// <summary>G.</summary>
    public int Group => Passages.Count / Queries.Count;

    /// <summary>[Q, G], teacher scores; null without a teacher.</summary>
    public float[]? Teacher { get; init; }

    /// <summary>True when other queries' passages are no negatives in this batch.</summary>
    public bool OwnGroupOnly { get; init; }

    /// <summary>Reads a batch: one random positive and group − 1 random negatives for each query.</summary>
    /// <param name="store">The pairs.</param>
    /// <param name="examples">Examples of the batch, of one source or of several that ask for the same batches.</param>
    /// <param name="group">G, passages per query.</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="round">Batch number.</param>
    public static ContrastiveBatch Draw(PairStore store, int[] examples, int group, long seed, long round) => Draw(store, examples, new GroupDraw(group), seed, round);

    /// <summary>Reads a batch.</summary>
    /// <param name="store">The pairs.</param>
    /// <param name="examples">Examples of the batch, of one source or of several that ask for the same batches.</param>
    /// <param name="draw">How.</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="round">Batch number.</param>
    /// <exception cref="BadInput">A teacher is asked for and an example has no scores.</exception>
    public static ContrastiveBatch Draw(PairStore store, int[] examples, GroupDraw draw, long seed, long round)
    {
        PairSource source = store.Sources[store.Rows[examples[0]].Source];
        int group = GroupOf(source, store.Rows[examples[0]].Negatives.Length, draw.Group, draw.OwnGroup || draw.NeverAlone);
        var columns = new int[examples.Length * group];
        bool taught = draw.WithTeacher && !(draw.TeacherIsOptional && store.Rows[examples[0]].PositiveScores is null);
        float[]? teacher = taught ? new float[columns.Length] : null;
        for (int i = 0; i < examples.Length; i++)
        {
            var random = new SeededRandom(HashCodes.Of(seed, examples[i], round));
            PairRows rows = store.Rows[examples[i]];
            int positive = random.Next(rows.Positives.Length);
            int[] negatives = [.. Enumerable.Range(0, rows.Negatives.Length)];
            random.Shuffle<int>(negatives);
            negatives = negatives[..Math.Min(negatives.Length, group - 1)];
            if ((draw.OwnGroup || source.OwnGroupOnly) && negatives.Length > 0)
            {
                int[] few = negatives;
                negatives = [.. Enumerable.Range(0, group - 1).Select(g => few[g % few.Length])];
            }
            if (teacher is not null)
            {
                if (rows.PositiveScores is null || (group > 1 && rows.NegativeScores is null))
                {
                    throw new BadInput($"{source.Name}: an example has no teacher scores (pos_scores, neg_scores), which \"distillation\" needs; add them with \"bge score\", or take them out of the whole source, which then learns without a teacher.");
                }
                // A query with too few repeats its own: only those have scores. One with none gets other queries' passages, and the teacher holds nothing of them.
                int[] own = negatives;
                negatives = own.Length == 0 ? [] : [.. Enumerable.Range(0, group - 1).Select(g => own[g % own.Length])];
                if (draw.SortByTeacher)
                {
                    negatives = [.. negatives.OrderByDescending(n => rows.NegativeScores![n]).ThenBy(n => n)];
                }
                teacher[i * group] = rows.PositiveScores[positive];
            }
            columns[i * group] = rows.Positives[positive];
            for (int g = 1; g < group; g++)
            {
                bool has = g <= negatives.Length;
                columns[(i * group) + g] = has ? rows.Negatives[negatives[g - 1]] : Other(store, examples, i, g, ref random);
                if (teacher is not null)
                {
                    teacher[(i * group) + g] = has ? rows.NegativeScores![negatives[g - 1]] : draw.MarksUnknown ? float.NaN : teacher[i * group] - (float)(FarBelow * draw.TeacherTemperature);
                }
            }
        }
        (TokenStore queries, TokenStore passages) = draw.Plain ? store.Plain : new PairTexts(store.Queries, store.Passages);
        int[][] texts = [.. columns.Select(c => passages[c].ToArray())];
        if (draw is { ShuffleRatio: > 0, Plain: false })
        {
            ShuffleParts(store, examples, columns, texts, draw.ShuffleRatio, seed, round);
        }
        return new ContrastiveBatch(
            TokenBatch.Of([.. examples.Select(e => queries[e].ToArray())]),
            TokenBatch.Of(texts),
            HiddenColumns(store, examples, columns, group))
        {
            Teacher = teacher,
            OwnGroupOnly = source.OwnGroupOnly,
        };
    }

    // The first text of each group, which answers, as in the reference. Draws of their own: positives and negatives are those that would be drawn without.
    private static void ShuffleParts(PairStore store, int[] examples, int[] columns, int[][] texts, double ratio, long seed, long round)
    {
        int group = columns.Length / examples.Length;
        long own = HashCodes.Of(seed, "parts of passages");
        for (int i = 0; i < examples.Length; i++)
        {
            var random = new SeededRandom(HashCodes.Of(own, examples[i], round));
            int first = i * group;
            if (random.NextDouble() < ratio && store.LongTextOf(columns[first]) is { } text)
            {
                texts[first] = PassageParts.Shuffled(texts[first], text.Start, text.Length, ref random);
            }
        }
    }

    // Too few negatives: another query's positive is as good as an in-batch negative, and stands in its own column already. In a batch without one that is no answer, any passage.
    private static int Other(PairStore store, int[] examples, int i, int g, ref SeededRandom random)
    {
        int[] answers = store.AnswersOf(examples[i]);
        for (int step = 0; step < examples.Length; step++)
        {
            int row = store.Rows[examples[(i + g + step) % examples.Length]].Positives[0];
            if (!answers.Contains(row))
            {
                return row;
            }
        }
        int any = 0;
        for (int attempt = 0; attempt < 100; attempt++)
        {
            any = random.Next(store.Passages.Count);
            if (!answers.Contains(any))
            {
                break;
            }
        }
        return any;
    }

    // FlagEmbedding's types: the first example of a batch decides. Where a query meets its own group only, one without negatives gets somebody's all the same: alone it would learn nothing, and its batch with it.
    internal static int GroupOf(PairSource source, int negatives, int group, bool ownGroup = false) => source.Type switch
    {
        "only_1neg" => 2,
        "symmetric_class" => Math.Min(Math.Max(negatives, ownGroup || source.OwnGroupOnly ? 1 : 0) + 1, group),
        _ => group,
    };

    private static long[]? HiddenColumns(PairStore store, int[] examples, int[] columns, int group)
    {
        // Columns by passage: only those that hold one of a query's answers are looked at, so a batch of 8,192 costs little.
        var byPassage = new Dictionary<int, List<int>>();
        for (int j = 0; j < columns.Length; j++)
        {
            (System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(byPassage, columns[j], out _) ??= []).Add(j);
        }
        var hidden = new List<long>();
        for (int i = 0; i < examples.Length; i++)
        {
            int row = i;
            hidden.AddRange(store.AnswersOf(examples[i]).SelectMany(passage => byPassage.GetValueOrDefault(passage) ?? []).Where(column => column != row * group).Distinct().Order()
                .Select(column => (row * (long)columns.Length) + column));
        }
        return hidden.Count > 0 ? [.. hidden] : null;
    }
}
