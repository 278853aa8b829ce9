// The best row of each of the k best groups, in a heap whose root is the worst kept. A better row takes the place of its sibling, so memory is k whatever the groups' sizes.

namespace BgeSharp.Retrieval;

/// <summary>What <see cref="TopK"/> keeps where rows have groups.</summary>
/// <param name="k">How many groups, at least 0.</param>
/// <param name="groups">Group of each row.</param>
internal sealed class GroupHeap(int k, int[] groups)
{
    private readonly List<SearchHit> _heap = new(Math.Min(k, 1024));
    private readonly Dictionary<int, int> _places = []; // group → its place in the heap

    /// <summary>Scores below this would not be kept; −∞ until there are k groups.</summary>
    public float Floor => _heap.Count < k ? float.NegativeInfinity : k > 0 ? _heap[0].Score : float.PositiveInfinity;

    /// <summary>Offers a row.</summary>
    public void Offer(SearchHit hit)
    {
        if (_places.TryGetValue(groups[hit.Row], out int place))
        {
            if (IsBetter(hit, _heap[place]))
            {
                Put(place, hit);
                SiftDown(place);
            }
        }
        else if (_heap.Count < k)
        {
            _heap.Add(hit);
            Put(_heap.Count - 1, hit);
            SiftUp(_heap.Count - 1);
        }
        else if (k > 0 && IsBetter(hit, _heap[0]))
        {
            _places.Remove(groups[_heap[0].Row]);
            Put(0, hit);
            SiftDown(0);
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
            Swap(i, (i - 1) / 2);
            i = (i - 1) / 2;
        }
    }

    private void SiftDown(int i)
    {
        while (true)
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
            Swap(i, child);
            i = child;
        }
    }

    private void Swap(int i, int j)
    {
        (SearchHit one, SearchHit other) = (_heap[i], _heap[j]);
        Put(i, other);
        Put(j, one);
    }

    private void Put(int place, SearchHit hit)
    {
        _heap[place] = hit;
        _places[groups[hit.Row]] = place;
    }
}
