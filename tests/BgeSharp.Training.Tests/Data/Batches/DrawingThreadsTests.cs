// Masks are drawn where there is time: on the thread that makes batches ahead, with the lexicon and the vocabulary that held-out texts are masked with meanwhile. What comes of it must be what one thread draws.

using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Tests.Data.Batches;

public sealed class DrawingThreadsTests : IDisposable
{
    private const int Texts = 64, Seed = 3;
    private static readonly string[] s_words = ["数据库", "事务", "隔离", "级别", "数据", " sql ", "。"];
    private readonly TemporaryFolder _folder = new();
    private readonly WordPieceTokenizer _tokenizer;
    private readonly HanWords _lexicon;
    private readonly TokenStore _store;

    public DrawingThreadsTests()
    {
        string[] tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "sql", "。", .. "数据库事务隔离级别".Select(c => c.ToString())];
        _tokenizer = WordPieceTokenizer.FromVocabulary(_folder.Write("vocab.txt", string.Join('\n', tokens) + "\n"));
        _lexicon = HanWords.Load(_folder.Write("words.txt", "数据库\t-3\n事务\t-3\n隔离\t-3\n级别\t-3\n数据\t-4\n"));
        var random = new SeededRandom(5);
        _store = TokenStore.Create(Path.Combine(_folder.Path, "ids"), Enumerable.Range(0, Texts)
            .Select(_ => _tokenizer.EncodeWithSpecial(string.Concat(Enumerable.Range(0, 4 + random.Next(9)).Select(_ => s_words[random.Next(s_words.Length)])), 40)));
    }

    public void Dispose()
    {
        _store.Dispose();
        _folder.Dispose();
    }

    [Theory, InlineData(DecoderMasks.Rows), InlineData(DecoderMasks.Text)]
    public void Words_of_a_lexicon_are_hidden_alike_by_any_number_of_threads(DecoderMasks decoder)
    {
        RetroMaeMasks words = new(_tokenizer, 0.3, 0.5, words: _lexicon), characters = new(_tokenizer, 0.3, 0.5);
        RetroMaeBatch Draw(RetroMaeMasks masks, int i) => RetroMaeBatch.Draw(_store, [i, (i * 5) % Texts], masks, 11, 3, decoder);
        RetroMaeBatch[] alone = [.. Enumerable.Range(0, Texts).Select(i => Draw(words, i))];
        var together = new RetroMaeBatch[Texts];
        Parallel.For(0, Texts, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i => together[i] = Draw(words, i).Drawn());
        for (int i = 0; i < Texts; i++)
        {
            Assert.Equal(alone[i].Encoder.Texts.Ids, together[i].Encoder.Texts.Ids);
            Assert.Equal(alone[i].Encoder.Rows, together[i].Encoder.Rows);
            Assert.Equal(alone[i].Decoder?.Texts.Ids, together[i].Decoder?.Texts.Ids);
            Assert.Equal(alone[i].Decoder?.Rows, together[i].Decoder?.Rows);
            Assert.Equal(alone[i].Hidden?.Invoke(), together[i].Hidden?.Invoke());
        }
        // The lexicon takes part.
        Assert.Contains(Enumerable.Range(0, Texts), i => !alone[i].Encoder.Rows.SequenceEqual(Draw(characters, i).Encoder.Rows));
    }

    [Theory, InlineData("retromae", "enhanced", 1), InlineData("retromae", "enhanced", 3), InlineData("dupmae", "plain", 2)]
    public void Batches_made_ahead_are_those_of_a_plain_draw_though_held_out_texts_are_masked_meanwhile(string objective, string decoding, int accumulate)
    {
        const int steps = 6;
        ModelConfig config = TinyModel.Config with { VocabularySize = _tokenizer.VocabularySize };
        var options = new RetroMaeStageOptions { Steps = steps, BatchTokens = 128, MaxLength = 40, Objective = objective, Decoding = decoding, Accumulate = accumulate };
        using var weights = new Weights(RetroMae.Shapes(config, options.Design), Compute.Float32);
        weights.Initialize(0.3, seed: 1);
        using var calm = new RetroMaeStage(options, weights, config, Pooling.Cls, _tokenizer, _store, Seed, 0, words: _lexicon);
        double[] losses = [.. Enumerable.Range(0, steps).Select(step => calm.ForwardBackward(step).Loss)];

        var tokenizer = new InterruptedTokenizer(_tokenizer);
        using var stage = new RetroMaeStage(options, weights, config, Pooling.Cls, tokenizer, _store, Seed, 0, words: _lexicon);
        IReadOnlyDictionary<string, double> figures = stage.HeldOut(_store);       // nothing is made ahead yet
        IReadOnlyDictionary<string, double>? within = null;
        tokenizer.InterruptAfter(3, () => within = stage.HeldOut(_store));         // in the middle of the first batch, on the thread that makes it
        for (int step = 0; step < steps; step++)
        {
            StepFigures trained = stage.ForwardBackward(step);
            BatchTrace plain = PlainDraw(options, step);
            Assert.Equal(plain.Rows, trained.Batch!.Rows);
            Assert.Equal(plain.Digest, trained.Batch.Digest);
            Assert.Equal(losses[step], trained.Loss, 1e-5);      // it depends on the decoder's masks too
            AssertSame(figures, stage.HeldOut(_store));          // while the next batches are made
        }
        Assert.NotNull(within);
        AssertSame(figures, within);
    }

    // What a step trains on, drawn here and now.
    private BatchTrace PlainDraw(RetroMaeStageOptions options, int step)
    {
        var masks = new RetroMaeMasks(_tokenizer, options.EncoderMaskRatio, options.DecoderMaskRatio, options.DecoderMaskPool, _lexicon);
        var order = new TokenBudgetOrder(Seed, [.. Enumerable.Range(0, Texts).Select(_store.LengthOf)], options.BatchTokens);
        var trace = new BatchTrace();
        long number = step * (long)options.Accumulate;
        foreach (int[] rows in order.From(number).Take(options.Accumulate))
        {
            RetroMaeBatch batch = RetroMaeBatch.Draw(_store, rows, masks, Seed, number++);
            trace.Add(rows, batch.Original, batch.Encoder.Texts);
        }
        return trace;
    }

    // Weights stand still: only other masks would give other figures.
    private static void AssertSame(IReadOnlyDictionary<string, double> expected, IReadOnlyDictionary<string, double> actual)
    {
        Assert.Equal(expected.Keys, actual.Keys);
        Assert.All(expected, figure => Assert.Equal(figure.Value, actual[figure.Key], 1e-5));
    }

    // Does something once while another thread than the one that made it draws masks: they ask for the special tokens at each token that they hide.
    private sealed class InterruptedTokenizer(WordPieceTokenizer tokenizer) : ITokenizer
    {
        private readonly int _owner = Environment.CurrentManagedThreadId;
        private Action? _interruption;
        private int _left;

        public int VocabularySize => tokenizer.VocabularySize;

        public SpecialTokens Special
        {
            get
            {
                if (Environment.CurrentManagedThreadId != _owner && _interruption is { } interruption && --_left < 0)
                {
                    _interruption = null;
                    interruption();
                }
                return tokenizer.Special;
            }
        }

        public void InterruptAfter(int tokens, Action interruption) => (_left, _interruption) = (tokens, interruption);

        public bool IsSpecial(int id) => tokenizer.IsSpecial(id);

        public string TokenOf(int id) => tokenizer.TokenOf(id);

        public bool ContinuesWord(int id) => tokenizer.ContinuesWord(id);

        public int[] Encode(string text) => throw new NotSupportedException();

        public int[] EncodeWithSpecial(string text, int maxLength = int.MaxValue) => throw new NotSupportedException();

        public int[] EncodePair(string text, string pair, int maxLength = int.MaxValue) => throw new NotSupportedException();

        public TokenizedText EncodePair(string text, string pair, int maxLength, Truncation truncation) => throw new NotSupportedException();

        public string Decode(ReadOnlySpan<int> ids) => throw new NotSupportedException();

        public void Save(string folder) => throw new NotSupportedException();
    }
}
