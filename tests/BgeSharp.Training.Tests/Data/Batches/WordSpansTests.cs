using BgeSharp.Text;
using BgeSharp.Text.Unigram.Training;
using BgeSharp.Training.Data.Batches;

namespace BgeSharp.Training.Tests.Data.Batches;

public sealed class WordSpansTests
{
    private const string Han = "数据库事务隔离级别";

    [Fact]
    public void Words_of_a_lexicon_are_hidden_whole()
    {
        using var folder = new TemporaryFolder();
        HanWords words = HanWords.Load(folder.Write("words.txt", "数据库\t-3\n事务\t-3\n隔离\t-3\n级别\t-3\n数据\t-4\n"));
        WordPieceTokenizer tokenizer = Characters();
        int[] ids = tokenizer.EncodeWithSpecial("数据库 sql 事务隔离。");
        Assert.Equal([(1, 4), (4, 5), (5, 7), (7, 9), (9, 10)], new WordSpans(tokenizer, words).Of(ids));
        Assert.Equal([(1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (7, 8), (8, 9), (9, 10)], new WordSpans(tokenizer).Of(ids));

        var masks = new RetroMaeMasks(tokenizer, 0.5, 0.5, words: words);
        for (ulong seed = 0; seed < 50; seed++)
        {
            var random = new SeededRandom(seed);
            List<int> chosen = masks.MaskForEncoder(ids, new int[ids.Length], ref random);
            Assert.Contains(chosen.Count(i => i is >= 1 and < 4), new[] { 0, 3 });
            Assert.Contains(chosen.Count(i => i is 5 or 6), new[] { 0, 2 });
        }
    }

    [Fact]
    public void Words_are_learned_from_the_text()
    {
        bool[] begins = Split(HanWords.Train(Corpus(), 300), "数据库很重要");
        Assert.True(begins[0]);
        Assert.False(begins[1]);
        Assert.False(begins[2]);
        Assert.False(begins[5]);
    }

    [Fact]
    public void A_lexicon_comes_back_from_its_file_and_splits_the_same()
    {
        using var folder = new TemporaryFolder();
        HanWords words = HanWords.Train(Corpus(), 300);
        HanWords again = HanWords.Load(folder.Write("words.txt", words.Save()));
        Assert.Equal(words.Count, again.Count);
        Assert.Equal(words.Save(), again.Save());
        Assert.Equal(words.Save(), HanWords.Train(Corpus(), 300).Save());
        Assert.Equal(Split(words, Han + "𠀀" + Han), Split(again, Han + "𠀀" + Han));
        Assert.Equal(0, HanWords.Train(["no such characters"], 300).Count);
        Assert.Contains("bad.txt:1", Assert.Throws<BadInput>(() => HanWords.Load(folder.Write("bad.txt", "词"))).Message, StringComparison.Ordinal);
    }

    [Theory, InlineData(""), InlineData("数"), InlineData("𠀀𠀀数据"), InlineData("数据库事务隔离级别数据库事务隔离级别")]
    public void Every_run_is_split_into_words_of_one_to_four_characters_at_character_borders(string run)
    {
        bool[] begins = Split(HanWords.Train(Corpus(), 300), run);
        Assert.Equal(run.Length > 0, begins.FirstOrDefault());
        int last = 0;
        for (int i = 0; i <= run.Length; i++)
        {
            if (i == run.Length || begins[i])
            {
                Assert.InRange(run[last..i].EnumerateRunes().Count(), i == 0 ? 0 : 1, HanWords.LongestWord);
                Assert.False(i < run.Length && char.IsLowSurrogate(run[i]));
                last = i;
            }
        }
    }

    [Fact]
    public void A_Chinese_clause_under_a_SentencePiece_vocabulary_is_not_one_word()
    {
        using var folder = new TemporaryFolder();
        UnigramVocabularyFiles.Write(UnigramTrainer.Train(Corpus(), new UnigramTrainerOptions { Size = 300 }, cancellation: TestContext.Current.CancellationToken), folder.Path);
        ITokenizer tokenizer = TokenizerFile.Load(folder.Path);
        int[] ids = tokenizer.EncodeWithSpecial("我们用数据库处理事务，隔离级别很重要。read committed");
        List<(int Start, int End)> words = new WordSpans(tokenizer).Of(ids);
        string[] texts = [.. words.Select(w => string.Concat(Enumerable.Range(w.Start, w.End - w.Start).Select(i => tokenizer.TokenOf(ids[i]))))];
        Assert.All(texts, t => Assert.True(!t.Any(c => Script.IsHan(c)) || t.TrimStart('▁').Length <= 16, t));
        Assert.True(texts.Count(t => t.Any(c => Script.IsHan(c))) >= 6, string.Join(' ', texts));
        Assert.Equal(ids.Count(id => !tokenizer.Special.Contains(id)), words.Sum(w => w.End - w.Start));
    }

    [Fact]
    public void Thai_and_other_scripts_without_spaces_are_hidden_piece_by_piece_and_unknown_tokens_not_at_all()
    {
        using var folder = new TemporaryFolder();
        string[] sentences = ["ภาษาไทยไม่มีช่องว่างระหว่างคำ", "ភាសាខ្មែរគ្មានចន្លោះ", "don’t stop"];
        UnigramVocabularyFiles.Write(UnigramTrainer.Train(Enumerable.Repeat(sentences, 200).SelectMany(s => s), new UnigramTrainerOptions { Size = 300 }, cancellation: TestContext.Current.CancellationToken), folder.Path);
        ITokenizer tokenizer = TokenizerFile.Load(folder.Path);
        var spans = new WordSpans(tokenizer);
        foreach (string sentence in sentences[..2])
        {
            int[] ids = tokenizer.EncodeWithSpecial(string.Concat(Enumerable.Repeat(sentence, 3)));
            Assert.Equal(ids.Length - 2, spans.Of(ids).Count);
            Assert.All(spans.Of(ids), w => Assert.Equal(1, w.End - w.Start));
        }
        int[] with = [tokenizer.Special.Cls, .. tokenizer.Encode("stop"), tokenizer.Special.Unk, .. tokenizer.Encode("stop"), tokenizer.Special.Sep];
        int unknown = Array.IndexOf(with, tokenizer.Special.Unk);
        Assert.DoesNotContain(spans.Of(with), w => w.Start <= unknown && unknown < w.End);
        Assert.Equal(2, spans.Of(with).Count);
        Assert.Equal(2, spans.Of(tokenizer.EncodeWithSpecial("don’t stop")).Count);
    }

    private static bool[] Split(HanWords words, string run)
    {
        var begins = new bool[run.Length];
        words.Split(run, begins);
        return begins;
    }

    private static IEnumerable<string> Corpus()
    {
        var random = new SeededRandom(8);
        string[] words = ["数据库", "事务", "隔离", "级别", "处理", "重要", "我们", "用", "很", "read", "committed"];
        return [.. Enumerable.Range(0, 400).Select(_ => string.Concat(Enumerable.Range(0, 6).Select(_ => words[random.Next(words.Length)])) + "。")];
    }

    private static WordPieceTokenizer Characters()
    {
        using var folder = new TemporaryFolder();
        string[] tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "sql", "。", .. Han.Distinct().Select(c => c.ToString())];
        return WordPieceTokenizer.FromVocabulary(folder.Write("vocab.txt", string.Join('\n', tokens) + "\n"));
    }
}
