// Loading: folders, configuration files, published layouts; and what is wrong in a file is said by name.

using BgeSharp.Text;

namespace BgeSharp.Tests.Text;

public sealed class TokenizerFileTests
{
    private const string Vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nA\né\n中\n<cls>\n";

    private static string Json(string model = "", string top = "") => $$"""
        {"added_tokens":[{"id":4,"content":"[MASK]","special":true,"normalized":false}],
         "normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":false},
         "pre_tokenizer":{"type":"BertPreTokenizer"}, {{top}}
         "model":{ {{model}} "unk_token":"[UNK]","vocab":{"[PAD]":0,"[UNK]":1,"[CLS]":2,"[SEP]":3,"[MASK]":4,"a":5,"A":6,"é":7,"中":8,"<cls>":9} } }
        """;

    [Fact]
    public void A_tokenizer_json_without_model_type_is_word_piece()
    {
        using var folder = new TemporaryFolder();
        ITokenizer tokenizer = TokenizerFile.Load(folder.Write("tokenizer.json", Json()));
        Assert.Equal([6, 5, 7, 4, 8], tokenizer.Encode("A a é[MASK]中"));
    }

    [Theory]
    [InlineData("{\"a\":1,\n\"\\ud800\":2}", 2)]
    [InlineData("{\"do_lower_case\":\"\\udc00x\"}", 1)]
    public void Half_a_surrogate_pair_is_refused_with_its_line(string json, int line)
    {
        using var folder = new TemporaryFolder();
        folder.Write("vocab.txt", Vocabulary);
        string path = folder.Write("tokenizer_config.json", json);
        Assert.StartsWith($"{path}:{line}: ", Assert.Throws<BadInput>(() => TokenizerFile.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Configuration_beside_the_vocabulary_decides()
    {
        using var folder = new TemporaryFolder();
        folder.Write("vocab.txt", Vocabulary);
        Assert.Equal([5, 1], TokenizerFile.Load(folder.Path).Encode("A é"));   // BERT's default: lower case, no accents
        folder.Write("special_tokens_map.json", """{"cls_token": {"content": "<cls>"}, "sep_token": "[SEP]"}""");
        folder.Write("tokenizer_config.json", """{"do_lower_case": false, "strip_accents": null, "tokenize_chinese_chars": false}""");
        ITokenizer tokenizer = TokenizerFile.Load(folder.Path);
        Assert.Equal([9, 6, 7, 1, 3], tokenizer.EncodeWithSpecial("A é a中"));
        Assert.Equal([9], tokenizer.Encode("<cls>"));
        folder.Write("tokenizer.json", Json());
        Assert.Equal([6, 7, 1], TokenizerFile.Load(folder.Path).Encode("A é a中"));
        folder.Write("tokenizer_config.json", """{"do_lower_case": true, "strip_accents": false}""");
        Assert.Equal([5, 7, 5, 8], TokenizerFile.Load(folder.Path).Encode("A É a中"));
    }

    [Fact]
    public void Tokens_that_only_the_configuration_knows_are_found_in_the_text()
    {
        using var folder = new TemporaryFolder();
        folder.Write("vocab.txt", Vocabulary);
        folder.Write("tokenizer_config.json", """{"added_tokens_decoder": {"10": {"content": "[E1]", "special": true}, "4": {"content": "[MASK]", "special": true}}}""");
        ITokenizer tokenizer = TokenizerFile.Load(folder.Path);
        Assert.Equal([5, 10, 5], tokenizer.Encode("a[E1]a"));
        Assert.Equal("a a", tokenizer.Decode([5, 10, 5]));
        Assert.Equal(11, tokenizer.VocabularySize);
    }

    [Fact]
    public void A_repeated_line_counts_where_it_stands_last_and_line_ends_may_be_those_of_windows()
    {
        using var folder = new TemporaryFolder();
        ITokenizer tokenizer = TokenizerFile.Load(folder.Write("vocab.txt", (Vocabulary + "a\n").ReplaceLineEndings("\r\n")));
        Assert.Equal([10], tokenizer.Encode("a"));
        Assert.Equal("a", tokenizer.TokenOf(5));
    }

    [Theory]
    [InlineData("a\nb\n", "[CLS]")]
    [InlineData("", "[CLS]")]
    [InlineData("[CLS]\n[SEP]\n[PAD]\n[MASK]\n", "[UNK]")]
    public void A_vocabulary_without_its_special_tokens_is_refused(string content, string named)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("vocab.txt", content);
        BadInput fault = Assert.Throws<BadInput>(() => TokenizerFile.Load(path));
        Assert.Contains(path, fault.Message);
        Assert.Contains(named, fault.Message);
    }

    [Fact]
    public void A_line_that_is_not_utf8_is_named()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("vocab.txt"), [.. "[PAD]\n"u8, 0xFF, 0xFE, (byte)'\n']);
        Assert.Contains("vocab.txt:2:", Assert.Throws<BadInput>(() => TokenizerFile.Load(folder.File("vocab.txt"))).Message);
    }

    [Theory]
    [InlineData("", "no valid JSON")]
    [InlineData("[]", "an object is needed")]
    [InlineData("{\n\"model\": }", ":2:")]
    [InlineData("{}", "\"model\"")]
    [InlineData("{\"model\":{\"type\":\"BPE\",\"vocab\":{}}}", "BPE")]
    [InlineData("{\"model\":{\"type\":\"Unigram\",\"vocab\":[]}}", "Unigram")]
    [InlineData("{\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"model\":{\"vocab\":{\"a\":-1}}}", "vocab.a")]
    [InlineData("{\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"model\":{\"vocab\":{\"a\":2000000000}}}", "vocab.a")]
    [InlineData("{\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"model\":{\"vocab\":{\"a\":1,\"b\":1}}}", "id 1")]
    [InlineData("{\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"model\":{\"vocab\":{\"a\":\"x\"}}}", "vocab.a")]
    [InlineData("{\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"model\":{\"vocab\":{}}}", "[CLS]")]
    [InlineData("{\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"model\":{\"vocab\":{\"\\ud800\":1}}}", "surrogate")]
    [InlineData("{\"pre_tokenizer\":{\"type\":\"Whitespace\"},\"model\":{\"vocab\":{}}}", "Whitespace")]
    [InlineData("{\"normalizer\":{\"type\":\"NFKC\"},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"model\":{\"vocab\":{}}}", "NFKC")]
    [InlineData("{\"post_processor\":{\"type\":\"Roberta\"},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"model\":{\"vocab\":{}}}", "post_processor")]
    [InlineData("{\"model\":{\"vocab\":{},\"max_input_chars_per_word\":0}}", "pre_tokenizer")]
    [InlineData("{\"added_tokens\":[{\"id\":0}],\"model\":{\"vocab\":{}}}", "added_tokens[0].content")]
    public void A_tokenizer_json_that_cannot_be_followed_is_refused_by_name(string content, string named)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("tokenizer.json", content);
        BadInput fault = Assert.Throws<BadInput>(() => TokenizerFile.Load(path));
        Assert.Contains(path, fault.Message);
        Assert.Contains(named, fault.Message);
    }

    [Fact]
    public void A_path_that_holds_no_tokenizer_is_refused()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("no tokenizer here", Assert.Throws<BadInput>(() => TokenizerFile.Load(folder.Path)).Message);
        Assert.Contains("no such file", Assert.Throws<BadInput>(() => TokenizerFile.Load(folder.File("vocab.txt"))).Message);
        Assert.Contains("this name is none", Assert.Throws<BadInput>(() => TokenizerFile.Load(folder.Write("a.bin", ""))).Message);
        Assert.Throws<BadInput>(() => TokenizerFile.Load(folder.Write("spm.model", "")));
    }

    [Fact]
    public void A_failed_write_leaves_the_old_file_and_nothing_else()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("vocab.txt", "old");
        Assert.Throws<InvalidOperationException>(() => WholeFile.Write(path, stream =>
        {
            stream.WriteByte(1);
            throw new InvalidOperationException("disk");
        }));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(folder.Path));
    }
}
