using BgeSharp.Training.Data.Cleaning;
using CsCheck;

namespace BgeSharp.Training.Tests.Data.Cleaning;

public class SetTests
{
    private static ulong Mixed(long x) => HashCodes.Of(x, 3, 5);

    [Fact]
    public void A_hash_set_holds_what_a_hash_set_holds() =>
        Gen.Long[0, 400].Array[0, 600].Sample(numbers =>
        {
            (var ours, var plain) = (new HashSet64(), new HashSet<long>());
            return numbers.All(n => ours.Add(Mixed(n)) == plain.Add(n)) && ours.Count == plain.Count
                && Enumerable.Range(0, 500).All(n => ours.Contains(Mixed(n)) == plain.Contains(n));
        });

    [Fact]
    public void A_hash_set_counts_up_to_its_most()
    {
        var set = new HashSet64();
        Assert.Equal([.. Enumerable.Range(0, 15), 15, 15, 15], Enumerable.Range(0, 18).Select(_ => set.Increment(0)));
        Assert.Equal(0, set.Increment(1UL << 60));
    }

    // Numbers that agree in their first bits too, so that runs grow over several blocks and the next runs move.
    [Theory]
    [InlineData(44, 20)]
    [InlineData(60, 4)]
    public void A_packed_set_holds_and_counts_what_plain_ones_do(int bits, int ignored) =>
        Gen.Select(Gen.Int[0, 5], Gen.Int[0, 70], Gen.Int[0, 3]).Select(t => ((ulong)t.Item1 << 44) | ((ulong)t.Item2 << ignored) | (uint)t.Item3).Array[0, 700].Sample(hashes =>
        {
            (var held, var counted, var plain) = (new PackedHashSet(bits), new PackedHashSet(bits, counted: true), new Dictionary<ulong, int>());
            foreach (ulong hash in hashes)
            {
                ulong key = hash >> ignored;
                int before = plain.GetValueOrDefault(key);
                if (held.Contains(hash) != (before > 0) || held.Add(hash) != (before == 0) || counted.Increment(hash) != before)
                {
                    return false;
                }
                plain[key] = Math.Min(PackedHashSet.MaxCount, before + 1);
            }
            return held.Count == plain.Count && counted.Count == plain.Count && plain.All(p => held.Contains(p.Key << ignored) && counted.Increment(p.Key << ignored) == p.Value);
        }, iter: 200);

    [Fact]
    public void A_packed_set_answers_as_the_tables_before_it_did()
    {
        (var packed, var counted, var before) = (new PackedHashSet(60), new PackedHashSet(60, counted: true), new HashSet64());
        for (int i = 0; i < 300_000; i++)
        {
            ulong hash = Mixed(i * 7 % 110_000);
            int count = before.Increment(hash);
            Assert.Equal(count, counted.Increment(hash));
            Assert.Equal(count == 0, packed.Add(hash));
        }
    }

    [Fact]
    public void A_million_hashes_take_twelve_bytes_at_most_and_packed_ones_nine_or_seven()
    {
        (var hashes, var sixty, var fingerprints) = (new HashSet64(), new PackedHashSet(60), new PackedHashSet(44));
        for (int i = 0; i < 1_000_000; i++)
        {
            Assert.True(hashes.Add(Mixed(i)));
            Assert.True(sixty.Add(Mixed(i)));
            fingerprints.Add(Mixed(i));
        }
        Assert.InRange(hashes.Bytes / 1_000_000.0, 8, 12);
        Assert.InRange(sixty.Bytes / 1_000_000.0, 5, 11);
        Assert.InRange(fingerprints.Bytes / 1_000_000.0, 3, 8);
        Assert.True(fingerprints.Count >= 999_990);
        Assert.All(Enumerable.Range(0, 1000), i => Assert.True(hashes.Contains(Mixed(i)) && sixty.Contains(Mixed(i)) && fingerprints.Contains(Mixed(i))));
        Assert.DoesNotContain(Enumerable.Range(2_000_000, 1000), i => hashes.Contains(Mixed(i)) || sixty.Contains(Mixed(i)));
    }
}
