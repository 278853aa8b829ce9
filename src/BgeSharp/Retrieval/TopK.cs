// Keeps the k best of a stream of scored rows in a heap whose root is the worst kept: O(log k) a kept row, one comparison for the others.
// The order is total (score descending, then row ascending), so neither threads nor blocks change a result.

namespace BgeSharp.Retrieval;

/// <summary>The k best rows met so far.</summary>
/// <param name="k">How many to keep, at least 0.</param>
public sealed class TopK(int k)
{
    private readonly List<SearchHit> _heap = new(Math.Min(k, 1024));

    /// <summary>Scores below this would not be kept; −∞ until k rows are.</summary>
    public float Floor => _heap.Count < k ? float.NegativeInfinity : k > 0 ? _heap[0].Score : float.PositiveInfinity;

    /// <summary>Offers a row. NaN counts as the lowest score.</summary>
    public void Offer(int row, float score)
    {
        var hit = new SearchHit(row, float.IsNaN(score) ? float.NegativeInfinity : score);
        if (_heap.Count < k)
        {
            _heap.Add(hit);
            SiftUp(_heap.Count - 1);
        }
        else if (k > 0 && IsBetter(hit, _heap[0]))
        {
            _heap[0] = hit;
            SiftDown();
        }
    }

    /// <summary>Takes over the rows of another one.</summary>
    public void Merge(TopK other)
    {
        foreach (SearchHit hit in other._heap)
        {
            Offer(hit.Row, hit.Score);
        }
    }

    /// <summary>The kept rows, best first.</summary>
    public SearchHit[] ToArray()
    {
        SearchHit[] hits = [.. _heap];
        Array.Sort(hits, (a, b) => IsBetter(a, b) ? -1 : IsBetter(b, a) ? 1 : 0);
        return hits;
    }

    private static bool IsBetter(SearchHit a, SearchHit b) => a.Score != b.Score ? a.Score > b.Score : a.Row < b.Row;

    private void SiftUp(int i)
    {
        while (i > 0 && IsBetter(_heap[(i - 1) / 2], _heap[i]))
        {
            (_heap[i], _heap[(i - 1) / 2]) = (_heap[(i - 1) / 2], _heap[i]);
            i = (i - 1) / 2;
        }
    }

    private void SiftDown()
    {
        for (int i = 0; ;)
        {
            int child = (2 * i) + 1;
            if (child >= _heap.Count)
            {
                return;
            }
            if (child + 1 < _heap.Count && IsBetter(_heap[child], _heap[child + 1]))
            {
                child++;
            }
            if (!IsBetter(_heap[i], _heap[child]))
            {
                return;
            }
            (_heap[i], _heap[child]) = (_heap[child], _heap[i]);
            i = child;
        }
    }
}
