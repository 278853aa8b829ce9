using System.Globalization;
using System.Text;
using BgeSharp.Training.Data.Corpora;
using BgeSharp.Training.Data.Readers;
using CsCheck;

namespace BgeSharp.Training.Tests.Data.Corpora;

public class CorpusTests
{
    private static byte[] Row(long i) => Encoding.UTF8.GetBytes($"{{\"id\":\"{i}\",\"text\":\"第{i}篇{new string('文', (int)(i * 7919 % 50))}。\"}}");

    [Fact]
    public void Any_row_of_any_shard_is_there_and_every_reader_of_lines_reads_them()
    {
        using var folder = new TemporaryFolder();
        using (var writer = new CorpusWriter(folder.Path, shardBytes: 5000))
        {
            for (int i = 0; i < 1000; i++)
            {
                writer.Append(Row(i));
            }
            writer.Checkpoint("done");
        }
        using JsonlCorpus corpus = JsonlCorpus.Open(folder.Path);
        Assert.Equal(1000, corpus.Count);
        Assert.True(Directory.GetFiles(folder.Path, "*.jsonl").Length > 10);
        for (long i = 999; i >= 0; i -= 7)
        {
            Assert.True(corpus[i].SequenceEqual(Row(i)));
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => corpus[1000].Length);
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => $"{i}"), DocumentReader.Read(folder.Path).Select(d => d.Id));
    }

    [Fact]
    public void A_writer_killed_anywhere_goes_on_without_reading_again()
    {
        using var folder = new TemporaryFolder();
        var random = new SeededRandom(3);
        int kills = 0;
        while (true)
        {
            using var writer = new CorpusWriter(folder.Path, shardBytes: 3000);
            long next = writer.Note.Length == 0 ? 0 : long.Parse(writer.Note, CultureInfo.InvariantCulture);
            Assert.Equal(next, writer.Count);
            int left = random.Next(60);
            for (; next < 700 && left-- > 0; next++)
            {
                writer.Append(Row(next));
                if (random.Next(10) == 0)
                {
                    writer.Checkpoint((next + 1).ToString(CultureInfo.InvariantCulture));
                }
            }
            if (next == 700)
            {
                writer.Checkpoint("700");
                break;
            }
            kills++; // disposed without a checkpoint: rows stay in the files that are not in the state
        }
        using JsonlCorpus corpus = JsonlCorpus.Open(folder.Path);
        Assert.True(kills > 10);
        Assert.Equal(700, corpus.Count);
        Assert.All(Enumerable.Range(0, 700), i => Assert.True(corpus[i].SequenceEqual(Row(i))));
    }

    [Fact]
    public void A_damaged_index_is_named_and_never_believed()
    {
        using var folder = new TemporaryFolder();
        using (var writer = new CorpusWriter(folder.Path))
        {
            for (int i = 0; i < 50; i++)
            {
                writer.Append(Row(i));
            }
            writer.Checkpoint("");
        }
        string index = folder.Path + "/shard-00000.index";
        byte[] whole = File.ReadAllBytes(index);
        for (int seed = 0; seed < 200; seed++)
        {
            var random = new SeededRandom((ulong)seed);
            byte[] damaged = [.. whole];
            damaged[random.Next(damaged.Length)] ^= (byte)(1 + random.Next(255));
            File.WriteAllBytes(index, damaged);
            using JsonlCorpus corpus = JsonlCorpus.Open(folder.Path);
            for (long i = 0; i < corpus.Count; i++)
            {
                long row = i;
                Exception? thrown = Record.Exception(() => corpus[row].Length);
                Assert.True(thrown is null or BadInput);
            }
        }
    }

    [Fact]
    public void A_shuffle_has_every_row_once() => Gen.Select(Gen.Long[0, 3000], Gen.Long).Sample((count, seed) =>
    {
        var order = new ShuffledRows(count, seed);
        var seen = new HashSet<long>();
        for (long i = 0; i < count; i++)
        {
            seen.Add(order[i]);
        }
        return seen.Count == count && seen.All(r => r >= 0 && r < count);
    }, iter: 200);

    [Fact]
    public void A_shuffle_reaches_beyond_32_bits_and_moves_rows_far()
    {
        var order = new ShuffledRows(100_000_000_000, 1);
        double moved = Enumerable.Range(0, 2000).Average(i => Math.Abs(order[i * 50_000_000L] - (i * 50_000_000L)) / 1e11);
        Assert.InRange(moved, 0.30, 0.37); // a third, for two independent uniform places
        Assert.Equal(2000, Enumerable.Range(0, 2000).Select(i => order[i]).Distinct().Count());
    }
}
