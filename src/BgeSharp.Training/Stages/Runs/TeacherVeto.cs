// A cross-encoder that keeps answers out of mined negatives: what it scores within a margin of the best positive, or above, is taken for one.
// Many queries are judged at once, so that its passes are full: first so many candidates of each as are wanted, then more of those that have too few left.

using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>Judges candidates by a cross-encoder that reads the run's ids.</summary>
/// <param name="store">Queries, passages, positives, as a cross-encoder reads them.</param>
/// <param name="teacher">The cross-encoder.</param>
/// <param name="margin">Logits that a negative must lie below the best positive.</param>
/// <param name="name">The teacher's folder, for errors.</param>
internal sealed class TeacherVeto(PairStore store, TorchReranker teacher, double margin, string name)
{
    /// <summary>The first candidates of each example that are no answers for the teacher.</summary>
    /// <param name="first">The first example.</param>
    /// <param name="candidates">Of each example from there on, in the order in which they are taken.</param>
    /// <param name="wanted">Most of each.</param>
    /// <param name="progress">Called after each pass; what it throws ends the judging.</param>
    /// <exception cref="BadInput">A score is no finite number.</exception>
    public int[][] Choose(int first, IReadOnlyList<IEnumerable<int>> candidates, int wanted, Action progress)
    {
        var limits = new double[candidates.Count];
        List<int>[] kept = [.. candidates.Select(_ => new List<int>())];
        using var rests = new Rests(candidates.Select(c => c.Chunk(wanted).GetEnumerator()));
        for (bool start = true; ; start = false)
        {
            (int Example, int[] Rows)[] asked = [.. Enumerable.Range(0, candidates.Count).Where(i => kept[i].Count < wanted && rests[i].MoveNext()).Select(i => (i, rests[i].Current))];
            if (asked.Length == 0)
            {
                return [.. kept.Select(rows => rows.Take(wanted).ToArray())];
            }
            // The positives are scored once, with an example's first candidates.
            int[][] rows = [.. asked.Select(a => start ? [.. store.Rows[first + a.Example].Positives, .. a.Rows] : a.Rows)];
            float[] scores = Score(first, asked, rows, progress);
            for (int k = 0, at = 0; k < asked.Length; at += rows[k++].Length)
            {
                (int example, int[] own) = asked[k];
                int positives = rows[k].Length - own.Length;
                if (start)
                {
                    limits[example] = scores[at..(at + positives)].Max() - margin;
                }
                kept[example].AddRange(own.Where((_, i) => scores[at + positives + i] < limits[example]));
            }
        }
    }

    private float[] Score(int first, (int Example, int[] Rows)[] asked, int[][] rows, Action progress)
    {
        var pairs = new List<(int[] Query, int[] Passage)>();
        for (int k = 0; k < asked.Length; k++)
        {
            int[] query = store.Plain.Queries[first + asked[k].Example].ToArray();
            pairs.AddRange(rows[k].Select(row => (query, store.Plain.Passages[row].ToArray())));
        }
        float[] scores = teacher.Score(pairs, _ => progress());
        return Array.TrueForAll(scores, float.IsFinite) ? scores
            : throw new BadInput($"{name}: the teacher gives scores that are no finite numbers; train or import it anew, or score in float32 (--precision float32).");
    }

    private sealed class Rests(IEnumerable<IEnumerator<int[]>> all) : IDisposable
    {
        private readonly IEnumerator<int[]>[] _all = [.. all];

        public IEnumerator<int[]> this[int i] => _all[i];

        public void Dispose() => Array.ForEach(_all, rest => rest.Dispose());
    }
}
