// The thirds of long positives in another order: their tokens stay, and everything else stays as it is.

using BgeSharp.Text;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using CsCheck;

namespace BgeSharp.Training.Tests.Data.Batches;

public sealed class PassagePartsTests : IDisposable
{
    private const string Instruction = "i j ";
    private static readonly int[][] s_orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    private readonly TemporaryFolder _folder = new();
    private readonly WordPieceTokenizer _tokenizer = TinyModel.Tokenizer();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Thirds_change_places_and_what_stands_around_them_does_not()
        => Gen.Select(Gen.Int[0, 200], Gen.Int[0, 5], Gen.Int[0, 1_000_000]).Sample((length, around, seed) =>
        {
            int[] ids = [.. Enumerable.Range(7, length + (2 * around))];
            var random = new SeededRandom((ulong)seed);
            int[] shuffled = PassageParts.Shuffled(ids, around, length, ref random);
            int[][] thirds = Thirds(ids[around..(around + length)]);
            return thirds.Max(t => t.Length) - thirds.Min(t => t.Length) <= 1 && Array.Exists(s_orders, order => shuffled.SequenceEqual(InOrder(ids, around, thirds, order)));
        }, iter: 300);

    [Fact]
    public void All_orders_are_as_likely()
    {
        int[] ids = [.. Enumerable.Range(0, 30)];
        int[][] thirds = Thirds(ids);
        int[] counts = new int[s_orders.Length];
        for (int seed = 0; seed < 1200; seed++)
        {
            var random = new SeededRandom((ulong)seed);
            int[] shuffled = PassageParts.Shuffled(ids, 0, ids.Length, ref random);
            counts[Array.FindIndex(s_orders, order => shuffled.SequenceEqual(InOrder(ids, 0, thirds, order)))]++;
        }
        Assert.All(counts, count => Assert.InRange(count, 140, 260));
    }

    [Fact]
    public void A_long_positive_keeps_its_tokens_with_special_ones_and_instruction_in_their_places_and_the_rest_of_the_batch_is_the_same()
    {
        using PairStore store = Store(positives: 2);
        int[] rows = [.. Enumerable.Range(0, store.Count)], before = [_tokenizer.Special.Cls, .. _tokenizer.Encode(Instruction)];
        ContrastiveBatch plain = Draw(store, rows, 0, 1, 0), shuffled = Draw(store, rows, 1, 1, 0);
        Assert.Equal(plain.Queries.Ids, shuffled.Queries.Ids);
        int moved = 0;
        foreach (int i in rows)
        {
            int[] was = plain.Passages[2 * i].ToArray(), now = shuffled.Passages[2 * i].ToArray();
            Assert.Equal(plain.Passages[(2 * i) + 1].ToArray(), shuffled.Passages[(2 * i) + 1].ToArray());
            if (IsShort(i))
            {
                Assert.Equal(was, now);
                continue;
            }
            Assert.Equal(before, now[..before.Length]);
            Assert.Equal(_tokenizer.Special.Sep, now[^1]);
            Assert.Equal(was.Order(), now.Order());
            Assert.Contains(s_orders, order => now.SequenceEqual(InOrder(was, before.Length, Thirds(was[before.Length..^1]), order)));
            moved += was.SequenceEqual(now) ? 0 : 1;
        }
        Assert.InRange(moved, 16, 30);       // 25 of 30 long ones, by the draw of six orders
        // The store itself reads as before.
        Assert.Equal(plain.Passages.Ids, Draw(store, rows, 0, 1, 0).Passages.Ids);
    }

    [Fact]
    public void A_positive_is_reordered_with_the_probability_that_is_given()
    {
        using PairStore store = Store(positives: 1);
        int[] rows = [.. Enumerable.Range(0, store.Count)];
        int Moved(double ratio) => Enumerable.Range(0, 20).Sum(round =>
        {
            ContrastiveBatch plain = Draw(store, rows, 0, 1, round), shuffled = Draw(store, rows, ratio, 1, round);
            return rows.Count(i => !plain.Passages[2 * i].SequenceEqual(shuffled.Passages[2 * i]));
        });
        Assert.Equal(0, Moved(0));
        Assert.InRange(Moved(0.5), 195, 305);       // of 600: half of them, and five sixths of these in an order that is not theirs
        Assert.InRange(Moved(1), 450, 550);
    }

    [Fact]
    public void Draws_depend_on_seed_example_and_batch_number_and_not_on_what_else_is_in_the_batch()
    {
        using PairStore store = Store(positives: 1);
        int[] rows = [.. Enumerable.Range(0, store.Count)];
        ContrastiveBatch whole = Draw(store, rows, 0.7, 1, 4), part = Draw(store, [5, 3, 2], 0.7, 1, 4);
        Assert.Equal(new[] { 5, 3, 2 }.Select(i => whole.Passages[2 * i].ToArray()), Enumerable.Range(0, 3).Select(i => part.Passages[2 * i].ToArray()));
        Assert.Equal(whole.Passages.Ids, Draw(store, rows, 0.7, 1, 4).Passages.Ids);
        // One positive and one negative each: nothing else is drawn.
        Assert.Equal(Draw(store, rows, 0, 1, 4).Passages.Ids, Draw(store, rows, 0, 2, 5).Passages.Ids);
        Assert.NotEqual(whole.Passages.Ids, Draw(store, rows, 0.7, 1, 5).Passages.Ids);
        Assert.NotEqual(whole.Passages.Ids, Draw(store, rows, 0.7, 2, 4).Passages.Ids);
    }

    [Fact]
    public void A_cross_encoder_s_texts_stay()
    {
        using PairStore store = Store(positives: 1);
        int[] rows = [.. Enumerable.Range(0, store.Count)];
        Assert.Equal(
            ContrastiveBatch.Draw(store, rows, new GroupDraw(2, Plain: true), 1, 0).Passages.Ids,
            ContrastiveBatch.Draw(store, rows, new GroupDraw(2, Plain: true) { ShuffleRatio = 1 }, 1, 0).Passages.Ids);
    }

    private static ContrastiveBatch Draw(PairStore store, int[] rows, double ratio, long seed, long round) => ContrastiveBatch.Draw(store, rows, new GroupDraw(2) { ShuffleRatio = ratio }, seed, round);

    private static bool IsShort(int example) => example % 4 == 0;

    private static int[][] Thirds(int[] text) => [.. Enumerable.Range(0, 3).Select(part => text[(part * text.Length / 3)..((part + 1) * text.Length / 3)])];

    private static int[] InOrder(int[] ids, int start, int[][] thirds, int[] order)
    {
        int length = thirds.Sum(t => t.Length);
        return [.. ids[..start], .. order.SelectMany(part => thirds[part]), .. ids[(start + length)..]];
    }

    // 60 words have more than 100 characters, and some more tokens than are read; 20 have fewer than 80.
    private PairStore Store(int positives) => PairStore.Create(Path.Combine(_folder.Path, Guid.NewGuid().ToString("N")), Enumerable.Range(0, 40).Select(n => new TrainingExample(
        TinyModel.Text(2, n), [.. Enumerable.Range(0, positives).Select(k => TinyModel.Text(IsShort(n) ? 20 : 60, n + 50 + (1000 * k)))], [TinyModel.Text(60, n + 200)])), _tokenizer, 16, 120, "q ", negatives: true, Instruction);
}
