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

    [Fact]
    public void A_million_hashes_take_no_more_than_twelve_bytes_each_and_fingerprints_six()
    {
        (var hashes, var fingerprints) = (new HashSet64(), new FingerprintSet());
        for (int i = 0; i < 1_000_000; i++)
        {
            Assert.True(hashes.Add(Mixed(i)));
            fingerprints.Add(Mixed(i));
        }
        Assert.InRange(hashes.Bytes / 1_000_000.0, 8, 12);
        Assert.InRange(fingerprints.Bytes / 1_000_000.0, 4, 6);
        Assert.True(fingerprints.Count >= 999_990);
        Assert.All(Enumerable.Range(0, 1000), i => Assert.True(hashes.Contains(Mixed(i)) && fingerprints.Contains(Mixed(i))));
        Assert.DoesNotContain(Enumerable.Range(2_000_000, 1000), i => hashes.Contains(Mixed(i)));
    }
}
