// Vocabulary training: as good as SentencePiece's trainer, the same on any number of threads, written so that both routes agree.

using System.Globalization;
using System.Text;
using System.Text.Json;
using BgeSharp.Text;
using BgeSharp.Text.Unigram;
using BgeSharp.Text.Unigram.Training;
using CsCheck;

namespace BgeSharp.Tests.Text.Unigram;

public sealed class UnigramTrainerTests
{
    private static readonly Lazy<string[]> s_lines = new(() => [.. Golden.Lines(UnigramGolden.Path("training", "zh5m.txt.gz"))]);

    private static SentencePieceModel Train(IEnumerable<string> lines, UnigramTrainerOptions options) =>
        UnigramTrainer.Train(lines, options, cancellation: TestContext.Current.CancellationToken);

    [Fact]
    [Trait("Category", "Golden")]
    public void Eight_thousand_pieces_need_at_most_two_percent_more_tokens_than_SentencePieces()
    {
        var model = Train(s_lines.Value, new UnigramTrainerOptions());
        Assert.Equal(8000, model.Pieces.Count);
        var tokenizer = UnigramTokenizer.FromModel(model.ToBytes(), xlmRoberta: false, "trained");
        long tokens = 0, characters = 0, unknown = 0;
        double logLikelihood = 0, lowest = model.Pieces.Skip(3).Min(p => p.Score);
        foreach (var line in Golden.JsonLines(UnigramGolden.Path("training", "heldout.jsonl.gz")))
        {
            string text = line.Str("text");
            int[] ids = tokenizer.Encode(text);
            tokens += ids.Length;
            unknown += ids.Count(id => id == 0);
            characters += tokenizer.Normalize(text).EnumerateRunes().Count() - 1; // without the space in front
            logLikelihood += ids.Sum(id => id == 0 ? lowest - 10 : model.Pieces[id].Score);
        }
        using var stats = JsonDocument.Parse(File.ReadAllText(UnigramGolden.Path("training", "stats.json")));
        var reference = stats.RootElement.GetProperty("zh8k").GetProperty("heldout");
        double wanted = reference.GetProperty("tokens_per_char").GetDouble();
        Assert.InRange((double)tokens / characters, wanted * 0.9, wanted * 1.02);
        Assert.InRange((double)unknown / tokens, 0, reference.GetProperty("unk_token_rate").GetDouble() * 1.1);
        Assert.True(logLikelihood / characters > reference.GetProperty("loglik_per_char").GetDouble() * 1.02, (logLikelihood / characters).ToString(CultureInfo.InvariantCulture));
    }

    [Fact]
    public void The_number_of_threads_changes_nothing()
    {
        string[] lines = s_lines.Value[..3000];
        var options = new UnigramTrainerOptions { Size = 3500, CharacterCoverage = 0.99 };
        byte[] one = Train(lines, options with { Threads = 1 }).ToBytes();
        byte[] many = Train(lines, options with { Threads = 4 }).ToBytes();
        Assert.True(one.AsSpan().SequenceEqual(many));
    }

    [Fact]
    public void Both_files_of_a_trained_vocabulary_give_the_same_ids()
    {
        using var folder = new TemporaryFolder();
        foreach (bool bytes in (bool[])[false, true])
        {
            var model = Train(s_lines.Value[..2000], new UnigramTrainerOptions { Size = 3000, CharacterCoverage = 0.98, ByteFallback = bytes, Normalize = !bytes });
            UnigramVocabularyFiles.Write(model, folder.Path);
            var json = UnigramTokenizer.FromTokenizerJson(Path.Combine(folder.Path, "tokenizer.json"));
            var xlmr = UnigramTokenizer.FromModel(Path.Combine(folder.Path, "sentencepiece.bpe.model"), xlmRoberta: true);
            Assert.Equal(model.Pieces.Count + 2, json.VocabularySize);
            Assert.Equal(xlmr.VocabularySize, json.VocabularySize);
            Assert.Equal(xlmr.Special, json.Special);
            Assert.Equal(bytes, model.ByteFallback);
            double Score(int id) => id is < 4 || id == json.VocabularySize - 1 ? 0 : model.Pieces[id - 1].Score;
            int different = 0;
            foreach (string line in s_lines.Value[2000..2300].Where(line => line == line.Trim()))
            {
                int[] byModel = xlmr.EncodeWithSpecial(line), byJson = json.EncodeWithSpecial(line);
                different += byModel.AsSpan().SequenceEqual(byJson) ? 0 : 1;
                Assert.Equal(byModel.Length, byJson.Length);
                Assert.Equal(byModel.Sum(Score), byJson.Sum(Score), 2); // where they differ it is at a tie, which float and double break differently
            }
            Assert.InRange(different, 0, 6);
            Assert.Equal(Enumerable.Range(0, json.VocabularySize).Select(json.TokenOf), Enumerable.Range(0, json.VocabularySize).Select(xlmr.TokenOf));
            Assert.Equal(json.Encode("行政法规"), TokenizerFile.Load(folder.Path).Encode("行政法规"));
            Assert.Equal(xlmr.Encode("行政法规"), TokenizerFile.Load(Path.Combine(folder.Path, "sentencepiece.bpe.model")).Encode("行政法规"));
        }
    }

    [Fact]
    public void Pieces_keep_to_one_script_and_begin_with_a_space_if_they_have_one()
    {
        string[] lines = [.. Enumerable.Range(0, 400).Select(i => $"训练data，第{i % 7}次 hello world, 你好world。カタカナひらがな漢字")];
        var model = Train(lines, new UnigramTrainerOptions { Size = 300, CharacterCoverage = 1 });
        foreach (var piece in model.Pieces.Skip(3))
        {
            Assert.Equal(-1, piece.Text.IndexOf('\u2581', 1));
            Assert.Single(piece.Text.EnumerateRunes().Where(r => r.Value != 0x2581).Select(Scripts.Of).DefaultIfEmpty((byte)1).Distinct());
        }
        Assert.Contains(model.Pieces, p => p.Text is "\u2581world" or "\u2581hello");
        Assert.Equal(model.Pieces.Skip(3).OrderByDescending(p => p.Score).Select(p => p.Score), model.Pieces.Skip(3).Select(p => p.Score));
    }

    [Fact]
    public void A_small_sample_of_the_lines_still_knows_every_frequent_character()
    {
        var options = new UnigramTrainerOptions { Size = 4000, CharacterCoverage = 0.99, MaxCharacters = 20_000 };
        var model = Train(s_lines.Value[..3000], options);
        var all = Train(s_lines.Value[..3000], options with { MaxCharacters = 1_000_000 });
        static string[] Singles(SentencePieceModel m) => [.. m.Pieces.Select(p => p.Text).Where(t => new StringInfo(t).LengthInTextElements == 1).Order(StringComparer.Ordinal)];
        Assert.Equal(Singles(all), Singles(model));
        Assert.NotEqual(all.Pieces.Select(p => p.Text), model.Pieces.Select(p => p.Text));
    }

    [Theory]
    [InlineData("", 300, 0.9995, "no characters")]
    [InlineData("一二三", 10, 0.9995, "Size")]
    [InlineData("一二三", 300, 0.5, "CharacterCoverage")]
    public void What_cannot_be_trained_is_refused(string line, int size, double coverage, string reason)
    {
        var refused = Assert.Throws<BadInput>(() => Train([line], new UnigramTrainerOptions { Size = size, CharacterCoverage = coverage }));
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_characters_than_room_are_refused_with_the_remedy()
    {
        string line = string.Concat(Enumerable.Range(0x4e00, 500).Select(c => (char)c));
        Assert.Contains("raise it (--size", Assert.Throws<BadInput>(() => Train([line], new UnigramTrainerOptions { Size = 300 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Candidates_have_the_counts_of_a_plain_search() => Gen.Char['a', 'c'].Array[0, 12].Select(c => new string(c)).Array[1, 12].Sample(words =>
    {
        var corpus = new RunCorpus();
        foreach (string word in words.Where(w => w.Length > 0))
        {
            corpus.Add(word);
        }
        foreach (var (piece, count) in SeedPieces.Find(corpus, 16, 1000, new ParallelOptions()))
        {
            Assert.Equal(words.Sum(w => Enumerable.Range(0, w.Length).Count(i => w.AsSpan(i).StartsWith(piece))), count);
        }
    }, iter: 300);

    [Fact]
    public void Expected_counts_are_those_of_all_segmentations_listed()
    {
        // "abab" with a, b, ab: segmentations a|b|a|b, ab|a|b, a|b|ab, ab|ab.
        double a = Math.Log(0.3), b = Math.Log(0.2), ab = Math.Log(0.5);
        var pieces = new PieceSet(["a", "b", "ab"], [a, b, ab]);
        long[] expected = new long[3];
        double logProbability = new PieceLattice().AddExpected("abab", 1, pieces, expected);
        double split = 0.06, whole = 0.5, total = (split + whole) * (split + whole);
        Assert.Equal(Math.Log(total), logProbability, 9);
        Assert.Equal(2 * split / (split + whole), expected[0] / PieceLattice.Unit, 4);
        Assert.Equal(2 * whole / (split + whole), expected[2] / PieceLattice.Unit, 4);
    }

    [Theory]
    [InlineData(1, -0.5772156649015329)]
    [InlineData(0.5, -1.9635100260214235)]
    [InlineData(10, 2.2517525890667211)]
    [InlineData(1e6, 13.815510057964191)]
    public void Digamma_has_its_known_values(double x, double wanted) => Assert.Equal(wanted, ExpectationMaximization.Digamma(x), 8);

    [Fact]
    public void The_normaliser_of_trained_models_is_SentencePieces()
    {
        var model = Train(["一二三四一二三四"], new UnigramTrainerOptions { Size = 300 });
        var reference = SentencePieceModel.Read(UnigramGolden.Path("models", "uni16k.model")).Normalizer;
        Assert.Equal("nmt_nfkc", model.Normalizer.Name);
        Assert.True(reference.CharsMap.Span.SequenceEqual(model.Normalizer.CharsMap.Span));
        Assert.True(Encoding.UTF8.GetString(UnigramVocabularyFiles.TokenizerJson(model)).Contains("Precompiled", StringComparison.Ordinal));
    }
}
