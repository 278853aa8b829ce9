using BgeSharp.Text;
using BgeSharp.Training.Data.Batches;

namespace BgeSharp.Training.Tests.Data.Batches;

public sealed class RetroMaeMasksTests
{
    private static readonly WordPieceTokenizer Tokenizer = TinyModel.Tokenizer();
    private readonly RetroMaeMasks _masks = new(Tokenizer, 0.3, 0.5);

    [Fact]
    public void The_encoder_s_ratio_is_true_at_2000_tokens_and_special_tokens_are_never_hidden()
    {
        int[] ids = Text(2000);
        var masked = new int[ids.Length];
        var random = new SeededRandom(3);
        List<int> chosen = _masks.MaskForEncoder(ids, masked, ref random);
        int maskable = ids.Count(id => !Tokenizer.Special.Contains(id));
        Assert.InRange(chosen.Count, (0.3 * maskable) - 3, (0.3 * maskable) + 3);
        Assert.DoesNotContain(chosen, i => Tokenizer.Special.Contains(ids[i]));
        Assert.Equal(chosen.Order().Distinct(), chosen);
        Assert.All(Enumerable.Range(0, ids.Length).Except(chosen), i => Assert.Equal(ids[i], masked[i]));
        Assert.InRange(chosen.Count(i => masked[i] == Tokenizer.Special.Mask) / (double)chosen.Count, 0.75, 0.86);
        // Of the rest half stays; a random id is the own one in one of some 50 cases.
        Assert.InRange(chosen.Count(i => masked[i] == ids[i]) / (double)chosen.Count, 0.06, 0.15);
        Assert.InRange(chosen.Count(i => masked[i] != ids[i] && masked[i] != Tokenizer.Special.Mask) / (double)chosen.Count, 0.06, 0.15);
    }

    [Theory, InlineData(6, 1), InlineData(4, 5), InlineData(1, 20), InlineData(3, 40), InlineData(1, 6), InlineData(1, 7), InlineData(1, 8), InlineData(1, 9), InlineData(1, 11), InlineData(1, 13), InlineData(2, 4)]
    public void The_ratio_is_true_in_the_mean_whatever_the_length_of_words(int pieces, int words)
    {
        // "a" begins a word and "##b" continues it.
        int begin = Tokenizer.Encode("a")[0], next = Enumerable.Range(0, Tokenizer.VocabularySize).First(Tokenizer.ContinuesWord);
        int[] ids = [Tokenizer.Special.Cls, .. Enumerable.Range(0, words).SelectMany(_ => Enumerable.Repeat(next, pieces - 1).Prepend(begin)), Tokenizer.Special.Sep];
        var random = new SeededRandom(11);
        double hidden = 0;
        for (int draw = 0; draw < 20_000; draw++)
        {
            hidden += _masks.MaskForEncoder(ids, new int[ids.Length], ref random).Count;
        }
        // A single word of six is hidden whole or not at all, and a share above one token is rounded by chance.
        Assert.InRange(hidden / 20_000 / (0.3 * pieces * words), 0.97, 1.03);
    }

    [Fact]
    public void A_random_id_is_never_a_special_token()
    {
        int[] ids = Text(1000);
        var random = new SeededRandom(2);
        var masked = new int[ids.Length];
        for (int draw = 0; draw < 50; draw++)
        {
            List<int> chosen = _masks.MaskForEncoder(ids, masked, ref random);
            Assert.All(chosen, i => Assert.True(masked[i] == Tokenizer.Special.Mask || !Tokenizer.IsSpecial(masked[i])));
        }
    }

    [Fact]
    public void Tokens_that_a_vocabulary_adds_as_special_are_never_hidden()
    {
        using var folder = new TemporaryFolder();
        Tokenizer.Save(folder.Path);
        string file = Path.Combine(folder.Path, "tokenizer.json");
        var json = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(file))!;
        int added = Tokenizer.VocabularySize;
        json["added_tokens"]!.AsArray().Add(System.Text.Json.Nodes.JsonNode.Parse($$"""{"id":{{added}},"content":"[NOTE]","special":true,"single_word":false,"lstrip":false,"rstrip":false,"normalized":false}"""));
        File.WriteAllText(file, json.ToJsonString());
        ITokenizer tokenizer = TokenizerFile.Load(folder.Path);
        Assert.True(tokenizer.IsSpecial(added));
        int[] ids = tokenizer.EncodeWithSpecial("ab [NOTE] cd [NOTE] [NOTE] ef");
        Assert.Equal(3, ids.Count(id => id == added));
        var masks = new RetroMaeMasks(tokenizer, 0.6, 0.5, 0);
        var random = new SeededRandom(5);
        for (int draw = 0; draw < 50; draw++)
        {
            Assert.DoesNotContain(masks.MaskForEncoder(ids, new int[ids.Length], ref random), i => ids[i] == added);
        }
    }

    [Fact]
    public void Words_are_hidden_whole()
    {
        int[] ids = Text(500);
        var random = new SeededRandom(4);
        HashSet<int> chosen = [.. _masks.MaskForEncoder(ids, new int[ids.Length], ref random)];
        bool[] hidden = Hidden(ids, ids.Length, 5);
        for (int j = 1; j < ids.Length; j++)
        {
            if (Tokenizer.ContinuesWord(ids[j]))
            {
                Assert.Equal(chosen.Contains(j - 1), chosen.Contains(j));
                int apart = Enumerable.Range(0, ids.Length).Count(i => i != j && i != j - 1 && hidden[(i * ids.Length) + j] != hidden[(i * ids.Length) + j - 1]);
                Assert.Equal(0, apart);
            }
        }
    }

    [Fact]
    public void A_decoder_row_never_sees_itself_but_always_the_sentence_and_about_half_of_the_rest()
    {
        int[] ids = Text(1800);       // more to hide than the 512 that public code stops at
        int n = ids.Length;
        bool[] hidden = Hidden(ids, n, 6);
        for (int i = 0; i < n; i++)
        {
            Assert.False(hidden[i * n]);
            Assert.True(i == 0 || hidden[(i * n) + i]);
            Assert.True(i == n - 1 || !hidden[(i * n) + n - 1]);      // [SEP]
        }
        Assert.InRange(hidden.Count(h => h) / (double)(n * (n - 2)), 0.49, 0.51);
        Assert.NotEqual(hidden[n..(2 * n)], hidden[(2 * n)..(3 * n)]);
    }

    [Fact]
    public void Masks_depend_on_their_seed_alone()
    {
        int[] ids = Text(100);
        int n = ids.Length;
        Assert.Equal(Hidden(ids, n, 7), Hidden(ids, n, 7));
        Assert.NotEqual(Hidden(ids, n, 7), Hidden(ids, n, 8));
        bool[] wide = Hidden(ids, n + 5, 7);
        Assert.Equal(Hidden(ids, n, 7), Enumerable.Range(0, n).SelectMany(i => wide[(i * (n + 5))..((i * (n + 5)) + n)]));
    }

    [Fact]
    public void A_text_is_masked_the_same_whatever_stands_beside_it()
    {
        using var folder = new TemporaryFolder();
        using TokenStore store = TokenStore.Create(Path.Combine(folder.Path, "ids"), [Text(20), Text(35), Text(9)]);
        RetroMaeBatch alone = RetroMaeBatch.Draw(store, [2], _masks, 11, 3);
        RetroMaeBatch among = RetroMaeBatch.Draw(store, [1, 2, 0], _masks, 11, 3);
        int start = among.Encoder.Texts.Offsets[1], n = alone.Encoder.Texts.TokenCount, length = among.Encoder.Texts.MaxLength;
        Assert.Equal(alone.Encoder.Texts[0], among.Encoder.Texts[1]);
        Assert.Equal(alone.Encoder.Rows.Select(r => r + start), among.Encoder.Rows.Where(r => r >= start && r < start + n));
        bool[] wide = among.Hidden!(), narrow = alone.Hidden!();
        for (int i = 0; i < length; i++)
        {
            ReadOnlySpan<bool> row = wide.AsSpan((length * length) + (i * length), length);
            Assert.False(row[0]);
            Assert.DoesNotContain(false, row[n..].ToArray());
            if (i < n)
            {
                Assert.Equal(narrow.AsSpan(i * n, n), row[..n]);
            }
        }
        Assert.Equal(narrow, alone.Hidden());
        Assert.NotEqual(narrow, RetroMaeBatch.Draw(store, [2], _masks, 11, 4).Hidden!());
    }

    [Fact]
    public void Masks_do_not_depend_on_how_many_threads_draw_them()
    {
        using var folder = new TemporaryFolder();
        using TokenStore store = TokenStore.Create(Path.Combine(folder.Path, "ids"), Enumerable.Range(0, 64).Select(i => Text(8 + (i % 40))));
        RetroMaeBatch Draw(int i) => RetroMaeBatch.Draw(store, [i, (i * 5) % 64], _masks, 11, 3);
        RetroMaeBatch[] alone = [.. Enumerable.Range(0, 64).Select(Draw)];
        RetroMaeBatch[] together = new RetroMaeBatch[64];
        Parallel.For(0, 64, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i => together[i] = Draw(i));
        for (int i = 0; i < 64; i++)
        {
            Assert.Equal(alone[i].Encoder.Texts.Ids, together[i].Encoder.Texts.Ids);
            Assert.Equal(alone[i].Encoder.Rows, together[i].Encoder.Rows);
            Assert.Equal(alone[i].Hidden!(), together[i].Hidden!());
        }
    }

    [Fact]
    public void Rows_of_a_pool_share_its_draws_and_still_never_see_themselves()
    {
        int[] ids = Text(300);
        int n = ids.Length;
        bool[] hidden = Hidden(ids, n, 6, new RetroMaeMasks(Tokenizer, 0.3, 0.5, pool: 8));
        var draws = new HashSet<string>();
        for (int i = 1; i < n; i++)
        {
            Assert.False(hidden[i * n]);
            Assert.True(hidden[(i * n) + i]);
            // All but its own place comes from one of 8 draws: rows are told apart where no row's own place lies.
            draws.Add(string.Concat(Enumerable.Range(1, n - 2).Where(j => j != i).Select(j => hidden[(i * n) + j] ? '1' : '0').Take(40)));
        }
        Assert.InRange(draws.Count, 8, 8 + 41);
        Assert.InRange(hidden.Count(h => h) / (double)(n * (n - 2)), 0.45, 0.55);
    }

    [Fact]
    public void Plain_decoding_hides_its_share_behind_the_mask_token_only()
    {
        int[] ids = Text(3000);
        var masked = new int[ids.Length];
        var random = new SeededRandom(3);
        List<int> chosen = _masks.MaskForPlainDecoder(ids, masked, ref random);
        Assert.InRange(chosen.Count, (0.5 * ids.Count(id => !Tokenizer.Special.Contains(id))) - 3, 0.5 * ids.Length);
        Assert.Equal(chosen, Enumerable.Range(0, ids.Length).Where(i => masked[i] != ids[i]));
        Assert.All(chosen, i => Assert.Equal(Tokenizer.Special.Mask, masked[i]));
    }

    private bool[] Hidden(int[] ids, int stride, ulong seed, RetroMaeMasks? masks = null)
    {
        var hidden = new bool[ids.Length * stride];
        var random = new SeededRandom(seed);
        (masks ?? _masks).MaskForDecoder(ids, hidden, stride, ref random);
        return hidden;
    }

    private static int[] Text(int tokens) => Tokenizer.EncodeWithSpecial(TinyModel.Text(tokens, tokens), tokens);
}
