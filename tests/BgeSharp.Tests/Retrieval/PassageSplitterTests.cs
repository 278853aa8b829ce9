using BgeSharp.Retrieval;
using BgeSharp.Tests.Evaluation;
using CsCheck;

namespace BgeSharp.Tests.Retrieval;

public class PassageSplitterTests
{
    [Fact]
    public void Passages_keep_the_limit_and_lose_nothing_but_white_space() =>
        Gen.Select(Gen.Char["ab 。.\n中"].Array[0, 80], Gen.Int[1, 9]).Sample((letters, limit) =>
        {
            var tokenizer = new LetterTokenizer();
            string text = new(letters);
            string[] passages = [.. PassageSplitter.Split(text, tokenizer, limit)];
            Assert.All(passages, p => Assert.InRange(tokenizer.Encode(p).Length, 1, limit));
            Assert.Equal(string.Concat(text.Where(c => !char.IsWhiteSpace(c))), string.Concat(string.Concat(passages).Where(c => !char.IsWhiteSpace(c))));
        });

    [Fact]
    public void Sentences_stay_whole_where_they_fit() =>
        Assert.Equal(["第一句。第二句。", "第三句。"], PassageSplitter.Split("第一句。第二句。第三句。", new LetterTokenizer(), 10));
}
