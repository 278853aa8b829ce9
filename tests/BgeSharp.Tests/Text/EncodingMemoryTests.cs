// Encoding allocates its result and nothing that grows with the text beside it.

using BgeSharp.Tests.Text.Unigram;
using BgeSharp.Text;

namespace BgeSharp.Tests.Text;

public sealed class EncodingMemoryTests
{
    public static TheoryData<string> Tokenizers => ["wordpiece", "model", "json"];

    private static ITokenizer Create(string kind) => kind switch
    {
        "wordpiece" => new WordPieceTrainer(new WordPieceTrainerOptions { VocabularySize = 300 }).Train(["一段中文 and some English"], TestContext.Current.CancellationToken),
        "model" => UnigramGolden.Model("uni16k", xlmRoberta: true),
        _ => UnigramGolden.Json("uni16k"),
    };

    [Theory]
    [MemberData(nameof(Tokenizers))]
    public void A_text_costs_its_ids_whatever_its_length(string kind)
    {
        ITokenizer tokenizer = Create(kind);
        foreach (int repeats in (int[])[1, 20, 400])
        {
            string text = string.Concat(Enumerable.Range(0, repeats).Select(i => $"第{i % 10}段中文 and some English, ①ﬁ。"));
            int count = 0;
            for (int i = 0; i < 3; i++)
            {
                count = tokenizer.EncodeWithSpecial(text).Length; // the working memory of this thread grows to its size
            }
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 10; i++)
            {
                tokenizer.EncodeWithSpecial(text);
            }
            Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 10, 4 * count, (4 * count) + 1024);
        }
    }
}
