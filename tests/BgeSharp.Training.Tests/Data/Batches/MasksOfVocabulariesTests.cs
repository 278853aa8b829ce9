using BgeSharp.Text;
using BgeSharp.Text.Unigram;
using BgeSharp.Text.Unigram.Training;
using BgeSharp.Training.Data.Batches;

namespace BgeSharp.Training.Tests.Data.Batches;

/// <summary>Masks keep their promises under every kind of vocabulary, whatever it calls its special tokens and wherever it has them.</summary>
public sealed class MasksOfVocabulariesTests
{
    private const string WordPieces = "vocab.txt", UnigramJson = "tokenizer.json", XlmRoberta = "sentencepiece.bpe.model";
    private const int Draws = 100;

    [Theory]
    [InlineData(WordPieces, 0.3, 0.5), InlineData(UnigramJson, 0.3, 0.5), InlineData(XlmRoberta, 0.3, 0.5)]
    [InlineData(WordPieces, 0.15, 0.7), InlineData(UnigramJson, 0.15, 0.7), InlineData(XlmRoberta, 0.15, 0.7)]
    public void The_encoder_names_its_share_of_whole_words_and_no_special_token_and_meets_none_by_chance(string file, double encoderRatio, double decoderRatio)
    {
        ITokenizer tokenizer = Tokenizer(file);
        int mask = tokenizer.Special.Mask;
        int[] ids = Ids(tokenizer);
        double asked = encoderRatio * ids.Count(id => !tokenizer.Special.Contains(id));
        var masks = new RetroMaeMasks(tokenizer, encoderRatio, decoderRatio);
        var random = new SeededRandom(3);
        (int named, int hidden, int kept) = (0, 0, 0);
        var others = new HashSet<int>();
        for (int draw = 0; draw < Draws; draw++)
        {
            var masked = new int[ids.Length];
            List<int> chosen = masks.MaskForEncoder(ids, masked, ref random);
            Assert.InRange(chosen.Count, asked - 3, asked + 3);
            Assert.DoesNotContain(chosen, i => tokenizer.Special.Contains(ids[i]));
            var places = new HashSet<int>(chosen);
            Assert.DoesNotContain(Enumerable.Range(1, ids.Length - 1), i => tokenizer.ContinuesWord(ids[i]) && places.Contains(i) != places.Contains(i - 1));
            Assert.DoesNotContain(Enumerable.Range(0, ids.Length), i => !places.Contains(i) && masked[i] != ids[i]);
            named += chosen.Count;
            hidden += chosen.Count(i => masked[i] == mask);
            kept += chosen.Count(i => masked[i] == ids[i]);
            others.UnionWith(chosen.Where(i => masked[i] != mask && masked[i] != ids[i]).Select(i => masked[i]));
        }
        Assert.InRange(hidden / (double)named, 0.78, 0.82);
        Assert.InRange(kept / (double)named, 0.085, 0.118);      // a random id is the own one now and then
        // Every ordinary id came by chance, the vocabulary's last ones too, and no other.
        int[] ordinary = [.. Enumerable.Range(0, tokenizer.VocabularySize).Where(id => !tokenizer.Special.Contains(id))];
        int[] met = [.. others.Order()];
        Assert.Equal(ordinary, met);
    }

    [Theory]
    [InlineData(WordPieces, 0.5), InlineData(UnigramJson, 0.5), InlineData(XlmRoberta, 0.5)]
    [InlineData(WordPieces, 0.7), InlineData(UnigramJson, 0.7), InlineData(XlmRoberta, 0.7)]
    public void A_decoder_row_misses_itself_and_its_share_of_words_and_sees_the_sentence_and_every_special_token(string file, double ratio)
    {
        ITokenizer tokenizer = Tokenizer(file);
        int[] ids = Ids(tokenizer);
        int n = ids.Length;
        var hidden = new bool[n * n];
        var random = new SeededRandom(4);
        new RetroMaeMasks(tokenizer, 0.3, ratio).MaskForDecoder(ids, hidden, n, ref random);
        (long missed, long all) = (0, 0);
        for (int i = 0; i < n; i++)
        {
            Assert.False(hidden[i * n]);
            Assert.True(i == 0 || hidden[(i * n) + i]);
            for (int j = 1; j < n; j++)
            {
                if (j != i && tokenizer.Special.Contains(ids[j]))
                {
                    Assert.False(hidden[(i * n) + j]);
                }
                else if (j != i)
                {
                    all++;
                    missed += hidden[(i * n) + j] ? 1 : 0;
                }
            }
        }
        Assert.InRange(missed / (double)all, ratio - 0.01, ratio + 0.01);
    }

    [Theory, InlineData(WordPieces), InlineData(UnigramJson), InlineData(XlmRoberta)]
    public void Plain_decoding_hides_its_share_and_no_special_token(string file)
    {
        ITokenizer tokenizer = Tokenizer(file);
        int[] ids = Ids(tokenizer), masked = new int[ids.Length];
        double asked = 0.7 * ids.Count(id => !tokenizer.Special.Contains(id));
        var random = new SeededRandom(5);
        List<int> chosen = new RetroMaeMasks(tokenizer, 0.3, 0.7).MaskForPlainDecoder(ids, masked, ref random);
        Assert.InRange(chosen.Count, asked - 3, asked + 3);
        Assert.All(chosen, i => Assert.False(tokenizer.Special.Contains(ids[i])));
        int[] expected = [.. ids.Select((id, i) => chosen.Contains(i) ? tokenizer.Special.Mask : id)];
        Assert.Equal(expected, masked);
    }

    [Theory, InlineData(UnigramJson), InlineData(XlmRoberta)]
    public void Words_of_a_lexicon_are_hidden_whole_and_not_across_a_space(string file)
    {
        using var folder = new TemporaryFolder();
        HanWords words = HanWords.Load(folder.Write("words.txt", "数据库\t-3\n事务\t-3\n隔离\t-3\n级别\t-3\n数据\t-4\n"));
        ITokenizer tokenizer = Tokenizer(file);
        AssertWhole(tokenizer, words, "数据库事务 sql 隔离级别", "▁数 据库 事 务 ▁s q l ▁隔 离 级 别", [(1, 3), (3, 5), (5, 8), (8, 10), (10, 12)]);
        AssertWhole(tokenizer, words, "数据 库事务隔离", "▁数 据 ▁库 事 务 隔 离", [(1, 3), (3, 4), (4, 6), (6, 8)]);
        AssertWhole(tokenizer, words, "数据 库 事 务", "▁数 据 ▁库 ▁事 ▁务", [(1, 3), (3, 4), (4, 5), (5, 6)]);
    }

    private static void AssertWhole(ITokenizer tokenizer, HanWords words, string text, string pieces, List<(int Start, int End)> expected)
    {
        int[] ids = tokenizer.EncodeWithSpecial(text);
        int n = ids.Length;
        Assert.Equal(pieces, string.Join(' ', ids[1..^1].Select(id => tokenizer.TokenOf(id))));
        Assert.Equal(expected, new WordSpans(tokenizer, words).Of(ids));

        var masks = new RetroMaeMasks(tokenizer, 0.5, 0.5, words: words);
        for (ulong seed = 0; seed < 50; seed++)
        {
            var random = new SeededRandom(seed);
            List<int> chosen = masks.MaskForEncoder(ids, new int[n], ref random);
            var hidden = new bool[n * n];
            masks.MaskForDecoder(ids, hidden, n, ref random);
            foreach ((int start, int end) in expected)
            {
                Assert.Contains(chosen.Count(i => i >= start && i < end), new[] { 0, end - start });
                // But for its own place a row sees a word whole or not at all.
                Assert.DoesNotContain(Enumerable.Range(0, n), row => Enumerable.Range(start, end - start).Where(j => j != row).Select(j => hidden[(row * n) + j]).Distinct().Count() > 1);
            }
        }
    }

    // Two texts with the special tokens between them that no text should have there.
    private static int[] Ids(ITokenizer tokenizer)
    {
        SpecialTokens special = tokenizer.Special;
        int[] all = [special.Cls, special.Sep, special.Pad, special.Unk, special.Mask];
        Assert.Equal(5, all.Distinct().Count());
        Assert.All(all, id => Assert.InRange(id, 0, tokenizer.VocabularySize - 1));
        int[] first = tokenizer.EncodeWithSpecial(TinyModel.Text(200, 3));
        Assert.Equal((special.Cls, special.Sep), (first[0], first[^1]));
        return [.. first, special.Pad, special.Unk, special.Mask, .. tokenizer.Encode(TinyModel.Text(200, 4)), special.Sep];
    }

    private static ITokenizer Tokenizer(string file)
    {
        if (file == WordPieces)
        {
            return TinyModel.Tokenizer();
        }
        using var folder = new TemporaryFolder();
        UnigramVocabularyFiles.Write(new SentencePieceModel { Pieces = Pieces() }, folder.Path);
        return TokenizerFile.Load(Path.Combine(folder.Path, file));
    }

    // Letters and Han characters, each with and without a space before it: "abc" is the word ▁a b c.
    private static SentencePiece[] Pieces()
    {
        string[] characters = [.. Enumerable.Range('a', 26).Select(c => ((char)c).ToString()), .. "数据库事务隔离级别".Select(c => c.ToString())];
        return [new("<unk>", 0, PieceType.Unknown), new("<s>", 0, PieceType.Control), new("</s>", 0, PieceType.Control), new("▁", -3), new("据库", -5),
            .. characters.Select(c => new SentencePiece("▁" + c, -4)), .. characters.Select(c => new SentencePiece(c, -5))];
    }
}
