// What ranks tell each other beside tensors: what rank 0 found out, whether anybody wants something, bytes of each. A few small messages each.

using System.Text.Json;

namespace BgeSharp.Training.Collectives;

/// <summary>Small talk of a process group.</summary>
public static class Agreement
{
    /// <summary>Numbers that are not finite go over the wire too.</summary>
    internal static readonly JsonSerializerOptions Json = new()
    {
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,       // between processes only; Han characters would take six bytes each
    };

    /// <summary>True on the rank that writes files and talks.</summary>
    public static bool Leads(this IProcessGroup group) => group.Rank == 0;

    /// <summary>Rank 0 acts, however long it takes; the others wait and go on with what it found.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="act">Called on rank 0 only; its result must survive JSON.</param>
    public static T Agree<T>(this IProcessGroup group, Func<T> act)
    {
        if (group.Size == 1)
        {
            return act();
        }
        T? found = group.Leads() ? act() : default;
        group.Barrier();      // waits without limit; what follows is quick
        return JsonSerializer.Deserialize<T>(group.Tell(group.Leads() ? JsonSerializer.SerializeToUtf8Bytes(found, Json) : null), Json)!;
    }

    /// <summary>Rank 0 acts, however long it takes, and the others wait.</summary>
    public static void First(this IProcessGroup group, Action act)
    {
        if (group.Leads())
        {
            act();
        }
        group.Barrier();
    }

    /// <summary>Rank 0 makes or loads something that stays in the run's folder; the others load it afterwards.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="prepare">Makes it where it is not there yet.</param>
    public static T Prepared<T>(this IProcessGroup group, Func<T> prepare)
    {
        T? made = group.Leads() ? prepare() : default;
        group.Barrier();
        return group.Leads() ? made! : prepare();
    }

    /// <summary>For each wish, whether any rank has it.</summary>
    public static bool[] Any(this IProcessGroup group, params ReadOnlySpan<bool> wishes)
    {
        if (group.Size == 1)
        {
            return wishes.ToArray();
        }
        using var scope = NewDisposeScope();
        var counts = new long[wishes.Length];
        for (int i = 0; i < counts.Length; i++)
        {
            counts[i] = wishes[i] ? 1 : 0;
        }
        return [.. group.Total(counts).Select(c => c > 0)];
    }

    /// <summary>Sums of whole numbers over ranks, wrapping.</summary>
    public static long[] Total(this IProcessGroup group, long[] numbers)
    {
        if (group.Size == 1)
        {
            return numbers;
        }
        using var scope = NewDisposeScope();
        Tensor sum = tensor(numbers);
        group.Sum(sum);
        return sum.data<long>().ToArray();
    }

    /// <summary>Sums over ranks.</summary>
    public static float[] Total(this IProcessGroup group, float[] numbers)
    {
        if (group.Size == 1 || numbers.Length == 0)
        {
            return numbers;
        }
        using var scope = NewDisposeScope();
        Tensor sum = tensor(numbers);
        group.Sum(sum);
        return sum.data<float>().ToArray();
    }

    /// <summary>The bytes of rank 0 on every rank.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="bytes">Null on all ranks but the first.</param>
    public static byte[] Tell(this IProcessGroup group, byte[]? bytes)
    {
        if (group.Size == 1)
        {
            return bytes!;
        }
        using var scope = NewDisposeScope();
        Tensor length = tensor([bytes?.LongLength ?? 0]);
        group.Broadcast(length);
        long count = length.item<long>();
        if (count == 0)
        {
            return [];
        }
        Tensor content = bytes is null ? zeros(count, ScalarType.Byte) : tensor(bytes);
        group.Broadcast(content);
        return content.data<byte>().ToArray();
    }

    /// <summary>The bytes of every rank, in the order of ranks.</summary>
    public static IReadOnlyList<byte[]> Collect(this IProcessGroup group, byte[] bytes)
    {
        if (group.Size == 1)
        {
            return [bytes];
        }
        using var scope = NewDisposeScope();
        long[] lengths = group.Gather(tensor([bytes.LongLength])).data<long>().ToArray();
        byte[] all = group.Gather(bytes.Length == 0 ? zeros(0, ScalarType.Byte) : tensor(bytes)).data<byte>().ToArray();
        var parts = new byte[group.Size][];
        for (int rank = 0, at = 0; rank < parts.Length; at += (int)lengths[rank++])
        {
            parts[rank] = all[at..(at + (int)lengths[rank])];
        }
        return parts;
    }

    /// <summary>Makes sure that all ranks do the same work.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="what">What is compared, such as "recipe".</param>
    /// <param name="digest">Of this rank.</param>
    /// <exception cref="BadInput">A rank has another one.</exception>
    public static void RequireSame(this IProcessGroup group, string what, string digest)
    {
        string[] all = [.. group.Collect(System.Text.Encoding.UTF8.GetBytes(digest)).Select(System.Text.Encoding.UTF8.GetString)];
        int other = Array.FindIndex(all, d => d != all[0]);
        if (other >= 0)
        {
            throw new BadInput($"rank {other} has another {what} than rank 0; start all ranks with the same program, arguments and files (a folder that all machines share).");
        }
    }
}
