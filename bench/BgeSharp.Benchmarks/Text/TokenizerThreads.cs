// Pair: EncodeBatch on one thread, against two. Why: texts are independent, so two threads should come near half the time; what is missing is the
// memory they share. WordPiece has a vocabulary of 8,000 trained here on these texts, Unigram a model of 8,000 pieces from the golden files.

using BenchmarkDotNet.Attributes;
using BgeSharp.Benchmarks.Running;
using BgeSharp.Text;

namespace BgeSharp.Benchmarks.Text;

/// <summary>Which tokenizer.</summary>
public enum TokenizerKind
{
    /// <summary>BERT's.</summary>
    WordPiece,

    /// <summary>XLM-RoBERTa's.</summary>
    Unigram,
}

/// <summary>Tokenizing the passages of the samples.</summary>
[WarmupCount(8)] // compiled in tiers, in the background
public class TokenizerThreads
{
    private ITokenizer _tokenizer = null!;
    private string[] _texts = [];

    /// <summary>The tokenizer.</summary>
    [Params(TokenizerKind.WordPiece, TokenizerKind.Unigram)] public TokenizerKind Tokenizer { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _texts = [.. SampleTexts.Passages().Take(5000)]; // as many as a program hands over at once
        _tokenizer = Tokenizer == TokenizerKind.WordPiece
            ? new WordPieceTrainer(new WordPieceTrainerOptions { VocabularySize = 8000 }).Train(_texts)
            : TokenizerFile.Load(Checkout.File("tests/golden/tokenizers/training/zh8k.model"));
        TokenBatch one = One_thread(), two = Two_threads();
        Agreement.Require("the ids", one.Ids.AsSpan().SequenceEqual(two.Ids) && one.Offsets.AsSpan().SequenceEqual(two.Offsets), $"{one.TokenCount} and {two.TokenCount} ids");
        Workload.Is(typeof(TokenizerThreads), one.TokenCount, "tokens", Tokenizer);
    }

    [Benchmark(Baseline = true, Description = "one thread")]
    public TokenBatch One_thread() => _tokenizer.EncodeBatch(_texts, threads: 1);

    [Benchmark(Description = "two threads")]
    public TokenBatch Two_threads() => _tokenizer.EncodeBatch(_texts, threads: 2);
}
