// Damaged and hostile WordPiece files end in BadInput or load; nothing else is thrown, nothing hangs, nothing is allocated on the word of a file.

using System.Text;
using BgeSharp.Text;
using CsCheck;

namespace BgeSharp.Tests.Text;

public sealed class WordPieceHostileTests : IDisposable
{
    private const string Text = "a ab éa中[MASK] b\u0301 [CLS] \ud800 x";

    private static readonly byte[] s_json = Encoding.UTF8.GetBytes("""
        {"added_tokens":[{"id":4,"content":"[MASK]","special":true,"normalized":false,"lstrip":true},{"id":9,"content":"ab","normalized":true,"single_word":true}],
        "normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true},
        "pre_tokenizer":{"type":"BertPreTokenizer"},
        "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"[CLS]","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"[SEP]","type_id":0}}],"pair":[{"SpecialToken":{"id":"[CLS]","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"[SEP]","type_id":0}},{"Sequence":{"id":"B","type_id":1}},{"SpecialToken":{"id":"[SEP]","type_id":1}}],"special_tokens":{"[CLS]":{"id":"[CLS]","ids":[2],"tokens":["[CLS]"]},"[SEP]":{"id":"[SEP]","ids":[3],"tokens":["[SEP]"]}}},
        "decoder":{"type":"WordPiece","prefix":"##","cleanup":true},
        "model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,
        "vocab":{"[PAD]":0,"[UNK]":1,"[CLS]":2,"[SEP]":3,"[MASK]":4,"a":5,"##b":6,"e":7,"中":8,"ab":9}}}
        """);

    private static readonly byte[] s_vocabulary = Encoding.UTF8.GetBytes("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\n\u00e9\ne\n中\n");

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void A_damaged_tokenizer_json_is_refused_or_loads() => Damaged(s_json).Sample(bytes => Try("tokenizer.json", bytes), iter: 600, threads: 1);

    [Fact]
    public void A_damaged_vocabulary_is_refused_or_loads() => Damaged(s_vocabulary).Sample(bytes => Try("vocab.txt", bytes), iter: 600, threads: 1);

    [Fact]
    public void Random_bytes_are_refused() => Gen.Byte.Array[0, 200].Sample(bytes =>
    {
        File.WriteAllBytes(_folder.File("vocab.txt"), bytes);
        Assert.Contains("vocab.txt", Assert.Throws<BadInput>(() => TokenizerFile.Load(_folder.File("vocab.txt"))).Message, StringComparison.Ordinal);
    }, iter: 300, threads: 1);

    [Fact]
    public void Ids_far_apart_cost_no_memory()
    {
        string json = Encoding.UTF8.GetString(s_json).Replace("\"ab\":9}", "\"ab\":2000000000}", StringComparison.Ordinal).Replace("\"id\":9", "\"id\":2000000000", StringComparison.Ordinal);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("tokenizer.json", Assert.Throws<BadInput>(() => TokenizerFile.Load(_folder.Write("tokenizer.json", json))).Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 << 20);
    }

    public void Dispose() => _folder.Dispose();

    private static Gen<byte[]> Damaged(byte[] good) =>
        Gen.Select(Gen.Select(Gen.Int[0, good.Length - 1], Gen.Byte).Array[0, 6], Gen.Int[0, good.Length], Gen.Int[0, 3]).Select((changes, cut, how) =>
        {
            byte[] bytes = how == 0 ? good[..cut] : [.. good];
            foreach (var (at, value) in changes.Where(c => c.Item1 < bytes.Length))
            {
                bytes[at] = value;
            }
            return how == 1 && cut < bytes.Length ? [.. bytes[..cut], .. bytes[(cut + 1)..]] : bytes;
        });

    private void Try(string name, byte[] bytes)
    {
        File.WriteAllBytes(_folder.File(name), bytes);
        try
        {
            ITokenizer tokenizer = TokenizerFile.Load(_folder.File(name));
            int[] ids = tokenizer.EncodePair(Text, Text);
            Assert.All(ids, id => Assert.InRange(id, 0, tokenizer.VocabularySize - 1));
            Assert.NotNull(tokenizer.Decode(ids));
            Assert.Equal(tokenizer.EncodeWithSpecial(Text), tokenizer.EncodeBatch([Text])[0].ToArray());
        }
        catch (BadInput refused)
        {
            Assert.Contains(name, refused.Message, StringComparison.Ordinal);
        }
    }
}
