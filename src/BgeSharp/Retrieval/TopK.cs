// Keeps the k best of a stream of scored rows: candidates are gathered until there are twice as many, then sorted and halved. A kept row costs a few steps of a sort over
// plain numbers instead of a walk through a heap, the others one comparison.
// The order is total (score descending, then row ascending), so neither threads nor blocks change a result.
// With groups (passages of documents) the best row of each of the k best groups is kept: see GroupHeap.

namespace BgeSharp.Retrieval;

/// <summary>The k best rows met so far.</summary>
public sealed class TopK
{
    private const int LeastBuffer = 64;
    private readonly int _k;
    private readonly GroupHeap? _groups;
    private ulong[] _keys = [];
    private int _count;
    private ulong _floor;       // keys from here on are not kept

    /// <param name="k">How many to keep, at least 0.</param>
    /// <param name="groups">Group of each row: of a group its best row alone is kept, and k counts groups. Null: every row stands for itself.</param>
    public TopK(int k, int[]? groups = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(k);
        (_k, _groups) = (k, groups is null ? null : new GroupHeap(k, groups));
        (Floor, _floor) = k > 0 ? (float.NegativeInfinity, ulong.MaxValue) : (float.PositiveInfinity, 0);
    }

    /// <summary>Scores below this would not be kept; −∞ until k rows (of k groups) are known to be there.</summary>
    public float Floor { get; private set; }

    /// <summary>Offers a row. NaN counts as the lowest score.</summary>
    /// <param name="row">At least 0.</param>
    /// <param name="score">Higher is better.</param>
    public void Offer(int row, float score)
    {
        if (_groups is not null)
        {
            _groups.Offer(new SearchHit(row, float.IsNaN(score) ? float.NegativeInfinity : score));
            Floor = _groups.Floor;
            return;
        }
        ulong key = KeyOf(row, score);
        if (key >= _floor)
        {
            return;
        }
        if (_count == _keys.Length)
        {
            MakeRoom();
        }
        _keys[_count++] = key;
    }

    /// <summary>Takes over the rows of another one.</summary>
    public void Merge(TopK other)
    {
        foreach (SearchHit hit in other.ToArray())
        {
            Offer(hit.Row, hit.Score);
        }
    }

    /// <summary>The kept rows, best first.</summary>
    public SearchHit[] ToArray()
    {
        if (_groups is not null)
        {
            return _groups.ToArray();
        }
        Halve();
        return [.. _keys.AsSpan(0, _count).ToArray().Select(HitOf)];
    }

    /// <summary>Gives back the memory of candidates: what is kept takes 8 bytes a row.</summary>
    public void Trim()
    {
        if (_groups is null)
        {
            Halve();
            Array.Resize(ref _keys, _count);
        }
    }

    private void MakeRoom()
    {
        long most = Math.Max(LeastBuffer, Math.Min(2L * _k, Array.MaxLength));
        if (_count < most)
        {
            Array.Resize(ref _keys, (int)Math.Min(most, Math.Max(LeastBuffer, 2L * _count)));
            return;
        }
        Halve();
        if (_count == _keys.Length)
        {
            Array.Resize(ref _keys, (int)most);     // after Trim
        }
    }

    // Afterwards at most k are there, best first.
    private void Halve()
    {
        Array.Sort(_keys, 0, _count);
        _count = Math.Min(_count, _k);
        if (_count == _k && _k > 0)
        {
            (Floor, _floor) = (HitOf(_keys[_k - 1]).Score, _keys[_k - 1]);
        }
    }

    // A number whose order is that of the hits: the score's bits turned so that higher scores come first, then the row.
    private static ulong KeyOf(int row, float score)
    {
        uint bits = BitConverter.SingleToUInt32Bits(float.IsNaN(score) ? float.NegativeInfinity : score + 0f);      // −0 is 0
        uint falling = (bits & 0x80000000) != 0 ? bits : ~bits & 0x7FFFFFFF;
        return ((ulong)falling << 32) | (uint)row;
    }

    private static SearchHit HitOf(ulong key)
    {
        uint falling = (uint)(key >> 32);
        return new SearchHit((int)(uint)key, BitConverter.UInt32BitsToSingle((falling & 0x80000000) != 0 ? falling : ~falling & 0x7FFFFFFF));
    }
}
