using BgeSharp.Training.Data;
using CsCheck;

namespace BgeSharp.Training.Tests.Data;

public class TextChunksTests
{
    private static readonly string[] Pieces = ["甲", "乙丙", "。", "．", "！", "”", "，", "\n", " ", "a", "Dr.", ". ", "3.14", "?", "😀", "…"];
    private static readonly Gen<string> Drawn = Gen.Int[0, Pieces.Length - 1].Select(i => Pieces[i]).Array[0, 60].Select(string.Concat);

    [Fact]
    public void Chunks_lose_nothing_keep_to_their_length_and_break_no_character() =>
        Gen.Select(Drawn, Gen.Int[16, 60]).Sample((text, n) =>
        {
            var page = new Document("id", "zh", "题", [new Section(0, "", "头。"), new Section(2, "小节", text)], "id");
            List<string> chunks = [.. TextChunks.Of(page, n)];
            return chunks.TrueForAll(c => c.Length <= n && c.Length > 0 && !char.IsHighSurrogate(c[^1]))
                && Squeezed(string.Concat(chunks)) == Squeezed("题\n" + page.Body);
        });

    [Fact]
    public void A_chunk_begins_with_the_title_and_ends_with_a_sentence()
    {
        var page = new Document("id", "zh", "题目", [new Section(0, "", string.Concat(Enumerable.Repeat("这是一句话。", 20)))], "id");
        List<string> chunks = [.. TextChunks.Of([page], 50)];
        Assert.StartsWith("题目\n这是", chunks[0], StringComparison.Ordinal);
        Assert.All(chunks, c => Assert.EndsWith("。", c, StringComparison.Ordinal));
        Assert.All(chunks, c => Assert.InRange(c.Length, 20, 50));
    }

    private static string Squeezed(string text) => text.Replace(" ", "").Replace("\n", "");
}
