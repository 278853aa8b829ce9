// Batches of pairs are the single pairs behind one another.

using BgeSharp.Tests.Text.Unigram;
using BgeSharp.Text;
using CsCheck;

namespace BgeSharp.Tests.Text;

public sealed class PairBatchTests
{
    private static readonly ITokenizer[] s_tokenizers =
        [UnigramGolden.Json("uni16k"), new WordPieceTrainer(new WordPieceTrainerOptions { VocabularySize = 300 }).Train(["一段中文 and some English"], CancellationToken.None)];

    private static readonly Gen<string> s_text = Gen.Int[0, 5].Array[0, 12].Select(parts => string.Concat(parts.Select(i => (string[])["一", "中文", " and", "x", "<s>", "[SEP]"] is var all ? all[i] : "")));

    [Fact]
    public void A_batch_has_the_rows_of_single_pairs_on_any_number_of_threads() =>
        Gen.Select(Gen.Select(s_text, s_text).Array[0, 12], Gen.Int[4, 30], Gen.Int[0, 3]).Sample((pairs, max, threads) =>
        {
            foreach (ITokenizer tokenizer in s_tokenizers)
            {
                (TokenBatch batch, int[] types) = tokenizer.EncodePairBatch([.. pairs.Select(p => p.Item1)], [.. pairs.Select(p => p.Item2)], max, threads: threads);
                for (int i = 0; i < pairs.Length; i++)
                {
                    TokenizedText single = tokenizer.EncodePair(pairs[i].Item1, pairs[i].Item2, max, Truncation.LongestFirst);
                    Assert.Equal(single.Ids, batch[i].ToArray());
                    Assert.Equal(single.TypeIds, types[batch.Offsets[i]..batch.Offsets[i + 1]]);
                    Assert.Equal(tokenizer.EncodePair(pairs[i].Item1, pairs[i].Item2, max), single.Ids);
                }
            }
        }, iter: 100);

    [Fact]
    public void A_first_text_without_room_for_the_second_is_refused_by_name()
    {
        foreach (ITokenizer tokenizer in s_tokenizers)
        {
            Assert.Contains("nothing of the second text would remain", Assert.Throws<BadInput>(() =>
                tokenizer.EncodePairBatch(["a", "x x x x x x x x x x"], ["b", "c"], 8, Truncation.OnlySecond)).Message, StringComparison.Ordinal);
            Assert.Throws<ArgumentException>(() => tokenizer.EncodePairBatch(["a"], []));
        }
    }
}
