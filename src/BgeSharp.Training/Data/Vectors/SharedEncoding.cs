// One rank works, the others encode for it. Rank 0 goes through its work as if it were alone; each time it needs vectors, the texts go to all ranks,
// each encodes its share, and the vectors come back in order. The others serve until rank 0 says that it is done.

using BgeSharp.Training.Collectives;

namespace BgeSharp.Training.Data.Vectors;

/// <summary>Encoding shared over ranks.</summary>
/// <param name="group">The ranks.</param>
/// <param name="dimension">D.</param>
/// <param name="encode">Vectors of some texts of a side, in order.</param>
public sealed class SharedEncoding(IProcessGroup group, int dimension, Func<Side, IReadOnlyList<string>, IEnumerable<float[]>> encode)
{
    // The texts of a round are one message of JSON; its length must stay far below 2 GB however many ranks there are.
    private const int TextsPerRank = 2048, TextsOfAll = 1 << 16;

    /// <summary>On rank 0: vectors of texts, in order, streaming.</summary>
    public IEnumerable<float[]> Encode(Side side, IEnumerable<string> texts)
    {
        return group.Size == 1
            ? texts.Chunk(TextsPerRank * 2).SelectMany(chunk => encode(side, chunk))
            : texts.Chunk(Math.Max(group.Size, Math.Min(TextsPerRank * group.Size, TextsOfAll))).SelectMany(chunk => Share(new Work(side, chunk))!);
    }

    /// <summary>On rank 0: lets the others go. On the others: encodes until then.</summary>
    public void Serve()
    {
        if (group.Size == 1)
        {
            return;
        }
        while (Share(null) is not null && !group.Leads())
        {
        }
    }

    private float[][]? Share(Work? own)
    {
        Work? work = group.Agree(() => own);
        if (work is null)
        {
            return null;
        }
        (int start, int count) = group.RangeOf(work.Texts.Count);
        using var scope = NewDisposeScope();
        float[] mine = [.. encode(work.Side, [.. work.Texts.Skip(start).Take(count)]).SelectMany(v => v)];
        float[] all = group.Gather(mine.Length == 0 ? zeros([0, dimension]) : tensor(mine).view(-1, dimension)).data<float>().ToArray();
        return [.. all.Chunk(dimension)];
    }

    private sealed record Work(Side Side, IReadOnlyList<string> Texts);
}

/// <summary>What a text is encoded as.</summary>
public enum Side
{
    /// <summary>A query, with its instruction.</summary>
    Query,

    /// <summary>A passage.</summary>
    Passage,
}
