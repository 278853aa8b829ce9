// Hard negatives for training files: rank all passages for every query, keep those of a rank range that are no answers.
//   dense: exact search in blocks (BlockSearch) over vectors that a cache on disk keeps       bm25: an inverted index
// In memory: the examples and passages as text, one vector a query, the candidates, and one block of passage vectors (BlockRows·D·4 bytes); for a query that
// several examples ask, the vectors of its answers until the last of them has its negatives.

using BgeSharp.Embeddings;
using BgeSharp.Retrieval;
using BgeSharp.Training.Search;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace BgeSharp.Training.Data.Negatives;

/// <summary>A model as mining uses it.</summary>
/// <param name="Encode">Vectors of texts, in order, streaming: unit length.</param>
/// <param name="Cache">Where vectors are kept; its key covers model, lengths and side.</param>
public sealed record CachedEncoder(Func<IEnumerable<string>, IEnumerable<float[]>> Encode, EmbeddingCache Cache)
{
    /// <summary>Rows of the cache that hold the vectors of texts, encoded where they are not there yet.</summary>
    public int[] Rows(IReadOnlyList<string> texts, Action<int>? progress = null)
    {
        UInt128[] hashes = [.. texts.Select(EmbeddingCache.HashOf)];
        var fresh = new Dictionary<UInt128, string>();
        for (int i = 0; i < hashes.Length; i++)
        {
            if (Cache.RowOf(hashes[i]) < 0)
            {
                fresh.TryAdd(hashes[i], texts[i]);
            }
        }
        int done = 0;
        foreach (((UInt128 hash, _), float[] vector) in fresh.Zip(Encode(fresh.Values)))
        {
            Cache.Add(hash, vector);
            if (++done % 4096 == 0)
            {
                Cache.Flush();
                progress?.Invoke(done);
            }
        }
        if (fresh.Count > 0)
        {
            Cache.Flush();
        }
        return [.. hashes.Select(Cache.RowOf)];
    }
}

/// <summary>Mines negatives.</summary>
/// <param name="examples">Queries with their positives.</param>
/// <param name="corpus">Distinct passages to search.</param>
/// <param name="rules">What may be taken.</param>
/// <param name="seed">Seed of the draw.</param>
public sealed class NegativeMining(IReadOnlyList<TrainingExample> examples, IReadOnlyList<string> corpus, NegativeRules rules, long seed)
{
    private readonly Dictionary<(string? Prompt, string Query), QueryAnswers> _answers = examples.GroupBy(e => (e.Prompt, e.Query)).ToDictionary(g => g.Key, g => new QueryAnswers([.. g]));

    private Dictionary<string, IReadOnlyList<string>>? _idsByText;

    /// <summary>The passages without their titles, in the order of the corpus: a positive may be given either way. Null where nothing has a title.</summary>
    public IReadOnlyList<string>? WithoutTitle { get; init; }

    /// <summary>Ids of the passages, in the order of the corpus, none for one without: a passage that shares an id with a positive is no negative. Null where nothing has an id.</summary>
    public IReadOnlyList<IReadOnlyList<string>>? Ids { get; init; }

    private Dictionary<string, IReadOnlyList<string>> IdsByText => _idsByText ??= corpus.Select((text, row) => (text, row)).Concat(WithoutTitle is null ? [] : WithoutTitle.Select((text, row) => (text, row)))
        .Where(p => Ids![p.row].Count > 0).DistinctBy(p => p.text, StringComparer.Ordinal).ToDictionary(p => p.text, p => Ids![p.row], StringComparer.Ordinal);

    private string Bare(int row) => WithoutTitle is null ? corpus[row] : WithoutTitle[row];

    /// <summary>Passage vectors held at a time.</summary>
    public int BlockRows { get; init; } = 65536;

    /// <summary>Judges candidates that would be taken: one whose score is above the best positive's less <see cref="TeacherMargin"/> is dropped; null for no teacher.</summary>
    public IReranker? Teacher { get; init; }

    /// <summary>How far below the positive's score a candidate's must be for the teacher to let it through, in logits.</summary>
    public double TeacherMargin { get; init; }

    /// <summary>Called now and then while passages are searched or indexed: how many are done, of how many, and what is done. What it throws ends the mining.</summary>
    public Action<long, long, string>? Progress { get; init; }

    /// <summary>Examples with mined negatives in place of their own, in order.</summary>
    /// <param name="queries">Encodes queries as they are given: prompt or instruction stand in front already.</param>
    /// <param name="passages">Encodes passages, likewise.</param>
    /// <param name="products">Type of the first look of the search, where there is no faster one.</param>
    /// <param name="instruction">Put before a query that has no prompt of its own.</param>
    /// <param name="passageInstruction">Put before every passage.</param>
    public IEnumerable<TrainingExample> WithModel(CachedEncoder queries, CachedEncoder passages, ScalarType products, string instruction = "", string passageInstruction = "")
    {
        int size = passages.Cache.Dimension;
        int[] asked = queries.Rows([.. examples.Select(e => (e.Prompt ?? instruction) + e.Query)]);
        int[] rows = Passages(corpus);
        Passages([.. examples.SelectMany(e => e.Positives)]);       // all at once where a corpus lacks them
        if ((long)asked.Length * size > Array.MaxLength)
        {
            throw new BadInput($"{asked.Length} queries of {size} numbers are more than can be in memory at once (2^31 numbers); split the input and mine the parts, one after another, with the same --cache.");
        }
        float[] vectors = new float[asked.Length * size];
        Parallel.For(0, asked.Length, i => queries.Cache.Read(asked[i], vectors.AsSpan(i * size, size)));
        var search = new BlockSearch(vectors, size, rules.ToRank, BlockSearch.FirstLook(products));
        if ((long)Math.Min(BlockRows, rows.Length) * size > Array.MaxLength)
        {
            throw new BadInput($"a block of {BlockRows} passages of {size} numbers is more than can be in memory at once (2^31 numbers); lower --block-rows.");
        }
        float[] block = new float[Math.Min(BlockRows, Math.Max(1, rows.Length)) * size];
        for (int start = 0; start < rows.Length; start += BlockRows)
        {
            int count = Math.Min(BlockRows, rows.Length - start);
            Parallel.For(0, count, i => passages.Cache.Read(rows[start + i], block.AsSpan(i * size, size)));
            int before = start;
            search.Add(block, count, start, queriesDone => Progress?.Invoke(before + ((long)count * queriesDone / asked.Length), rows.Length, "passages searched"));
        }
        Candidate[][] ranked = [.. search.Best().Select(best => best.Select(hit => new Candidate(hit.Row, hit.Score)).ToArray())];
        for (int i = 0; i < examples.Count; i++)
        {
            ReadOnlySpan<float> query = vectors.AsSpan(i * size, size);
            double best = double.NegativeInfinity;
            foreach (int positive in Passages(examples[i].Positives))
            {
                best = Math.Max(best, TensorPrimitives.Dot(query, Vector(positive)));
            }
            yield return Choose(i, ranked[i], best, (row, texts) =>
            {
                float[][] answers = texts.Kept(() => Passages(texts.Texts).Select(Vector).ToArray());
                float[] vector = Vector(rows[row]);
                return Array.Exists(answers, a => TensorPrimitives.Dot(vector.AsSpan(), a) > rules.DuplicateCosine);
            });
        }

        int[] Passages(IReadOnlyList<string> texts) => passages.Rows(passageInstruction.Length == 0 ? texts : [.. texts.Select(t => passageInstruction + t)]);

        float[] Vector(int row)
        {
            var vector = new float[size];
            passages.Cache.Read(row, vector);
            return vector;
        }
    }

    /// <summary>The same with BM25: no model is needed. Margins hold where a positive is among the ranks that were looked at; near-duplicates are told by the cosine of counts of character bigrams.</summary>
    public IEnumerable<TrainingExample> WithBm25()
    {
        long indexed = 0;
        Bm25Index index = Bm25Index.Build(corpus.Select(text =>
        {
            Progress?.Invoke(indexed++, corpus.Count, "passages indexed");
            return text;
        }));
        var known = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int row = 0; row < corpus.Count; row++)
        {
            known[corpus[row]] = row;
        }
        for (int row = 0; row < corpus.Count; row++)
        {
            known.TryAdd(Bare(row), row);
        }
        for (int i = 0; i < examples.Count; i++)
        {
            SearchHit[] hits = index.Search(examples[i].Query, rules.ToRank);
            HashSet<int> positives = [.. examples[i].Positives.Select(p => known.GetValueOrDefault(p, -1))];
            double best = hits.Where(h => positives.Contains(h.Row)).Select(h => (double)h.Score).DefaultIfEmpty(double.NaN).Max();
            yield return Choose(i, [.. hits.Select(h => new Candidate(h.Row, h.Score))], best, (row, texts) =>
            {
                Dictionary<int, int>[] answers = texts.Kept(() => texts.Texts.Select(CharacterBigrams.Count).ToArray());
                return Near(corpus[row]) || (WithoutTitle is not null && Near(Bare(row)));

                bool Near(string text)
                {
                    Dictionary<int, int> counts = CharacterBigrams.Count(text);
                    return Array.Exists(answers, a => CharacterBigrams.Cosine(counts, a) > rules.DuplicateCosine);
                }
            });
        }
    }

    // near: whether a passage is nearly one of the answers.
    private TrainingExample Choose(int number, Candidate[] ranked, double best, Func<int, QueryAnswers, bool> near)
    {
        TrainingExample example = examples[number];
        QueryAnswers answers = _answers[(example.Prompt, example.Query)];
        int[] chosen = NegativeChoice.Choose(ranked, best, row => answers.Excludes(row, Judge), Teacher is null ? null : Veto, rules, HashCodes.Of(seed, number, 4));
        answers.Done();
        return example with
        {
            Negatives = [.. chosen.Select(row => corpus[row])],
            NegativeScores = null,
            NegativeIds = Ids is { } ids && Array.TrueForAll(chosen, row => ids[row].Count > 0) ? [.. chosen.Select(row => ids[row][0])] : null,
        };

        bool Judge(int row) => answers.Holds(corpus[row]) || answers.Holds(Bare(row)) || (Ids is not null && answers.HoldsAny(Ids[row], () => OfTexts(answers.Texts))) || (rules.DuplicateCosine < 1 && near(row, answers));

        // Ids that the corpus has for the answers' texts, where the lines leave them out.
        IEnumerable<string> OfTexts(string[] texts) => texts.SelectMany(t => IdsByText.GetValueOrDefault(t) ?? []);

        bool[] Veto(IReadOnlyList<int> candidates)
        {
            float[] scores = Teacher!.Score([.. example.Positives.Concat(candidates.Select(c => corpus[c])).Select(p => new TextPair(example.Query, p))]);
            double limit = scores.Take(example.Positives.Count).Max() - TeacherMargin;
            return [.. scores.Skip(example.Positives.Count).Select(s => s >= limit)];
        }
    }

    // What answers one query, in all examples that ask it. They share what is found out about it, so a query of a thousand lines costs a thousand looks, not a million.
    private sealed class QueryAnswers(TrainingExample[] examples)
    {
        private readonly Dictionary<int, bool> _judged = [];
        private HashSet<string>? _plain, _ids;
        private object? _kept;
        private int _left = examples.Length;

        /// <summary>The positives.</summary>
        public string[] Texts { get; } = [.. examples.SelectMany(e => e.Positives).Distinct(StringComparer.Ordinal)];

        /// <summary>Whether a passage is an answer, judged once.</summary>
        public bool Excludes(int row, Func<int, bool> judge)
            => _judged.TryGetValue(row, out bool known) ? known : _judged[row] = judge(row);

        /// <summary>Whether a text is the query or an answer; differences of case, spaces and punctuation do not count.</summary>
        public bool Holds(string text) => (_plain ??= [.. Texts.Append(examples[0].Query).Select(Plain)]).Contains(Plain(text));

        /// <summary>Whether one of some ids is that of an answer.</summary>
        /// <param name="ids">Of a passage.</param>
        /// <param name="more">Ids of the answers beside those that the examples name.</param>
        public bool HoldsAny(IReadOnlyList<string> ids, Func<IEnumerable<string>> more)
            => ids.Count > 0 && ids.Any((_ids ??= [.. examples.SelectMany(e => e.PositiveIds ?? []).Where(id => id.Length > 0), .. more()]).Contains);

        /// <summary>What the answers look like to the search, made once.</summary>
        public T Kept<T>(Func<T> make) where T : class => (T)(_kept ??= make());

        /// <summary>One of the examples has its negatives; after the last nothing is kept.</summary>
        public void Done()
        {
            if (--_left == 0)
            {
                _judged.Clear();
                _judged.TrimExcess();
                (_plain, _ids, _kept) = (null, null, null);
            }
        }

        private static string Plain(string text) => string.Concat(text.Where(char.IsLetterOrDigit)).ToLowerInvariant();
    }
}
