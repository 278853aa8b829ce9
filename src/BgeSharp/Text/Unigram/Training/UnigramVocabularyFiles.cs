// A trained model as files that other tools load: sentencepiece.bpe.model (SentencePiece) and tokenizer.json (Hugging Face),
// the latter in XLM-RoBERTa's id order and with the pipeline that its published files have.

using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace BgeSharp.Text.Unigram.Training;

/// <summary>Writers of trained vocabularies.</summary>
public static class UnigramVocabularyFiles
{
    /// <summary>Writes tokenizer.json, sentencepiece.bpe.model, tokenizer_config.json and special_tokens_map.json into a folder.</summary>
    public static void Write(SentencePieceModel model, string folder)
    {
        ArgumentNullException.ThrowIfNull(model);
        FileSystem.Current.CreateFolder(folder);
        FileBytes.Write(Path.Combine(folder, "sentencepiece.bpe.model"), model.ToBytes());
        FileBytes.Write(Path.Combine(folder, "tokenizer.json"), TokenizerJson(model));
        FileBytes.Write(Path.Combine(folder, "tokenizer_config.json"), """
            {
              "tokenizer_class": "XLMRobertaTokenizer",
              "bos_token": "<s>",
              "eos_token": "</s>",
              "unk_token": "<unk>",
              "sep_token": "</s>",
              "pad_token": "<pad>",
              "cls_token": "<s>",
              "mask_token": "<mask>"
            }

            """u8);
        FileBytes.Write(Path.Combine(folder, "special_tokens_map.json"), """
            {
              "bos_token": "<s>",
              "eos_token": "</s>",
              "unk_token": "<unk>",
              "sep_token": "</s>",
              "pad_token": "<pad>",
              "cls_token": "<s>",
              "mask_token": {"content": "<mask>", "lstrip": true, "normalized": false, "rstrip": false, "single_word": false}
            }

            """u8);
    }

    /// <summary>The bytes of tokenizer.json. Needs the model to begin with unknown, &lt;s&gt;, &lt;/s&gt;, as XLM-RoBERTa's ids do.</summary>
    /// <exception cref="BadInput">The model begins otherwise.</exception>
    public static byte[] TokenizerJson(SentencePieceModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (model.Pieces.Count < 4 || model.Pieces[0].Type != PieceType.Unknown || model.Pieces[1].Text != "<s>" || model.Pieces[2].Text != "</s>")
        {
            throw new BadInput("tokenizer.json: the model does not begin with <unk>, <s>, </s>, so XLM-RoBERTa's ids do not apply; train it with this tool or keep its own files.");
        }
        int mask = model.Pieces.Count + 1;
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("version", "1.0");
            json.WriteNull("truncation");
            json.WriteNull("padding");
            AddedTokens(json, mask);
            Pipeline(json, model.Normalizer);
            json.WritePropertyName("post_processor");
            json.WriteRawValue(PostProcessor);
            json.WritePropertyName("decoder");
            json.WriteRawValue(Metaspace);
            Vocabulary(json, model);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    private const string Metaspace = """{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}""";

    private const string PostProcessor = """
        {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}],
            "pair": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}},
              {"SpecialToken": {"id": "</s>", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}, "</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}}}
        """;

    private static void AddedTokens(Utf8JsonWriter json, int mask)
    {
        json.WriteStartArray("added_tokens");
        foreach (var (id, content) in ((int, string)[])[(0, "<s>"), (1, "<pad>"), (2, "</s>"), (3, "<unk>"), (mask, "<mask>")])
        {
            json.WriteStartObject();
            json.WriteNumber("id", id);
            json.WriteString("content", content);
            json.WriteBoolean("single_word", false);
            json.WriteBoolean("lstrip", id == mask);
            json.WriteBoolean("rstrip", false);
            json.WriteBoolean("normalized", false);
            json.WriteBoolean("special", true);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void Pipeline(Utf8JsonWriter json, NormalizerSpec spec)
    {
        json.WriteStartObject("normalizer");
        json.WriteString("type", "Sequence");
        json.WriteStartArray("normalizers");
        if (!spec.CharsMap.IsEmpty)
        {
            json.WriteStartObject();
            json.WriteString("type", "Precompiled");
            json.WriteBase64String("precompiled_charsmap", spec.CharsMap.Span);
            json.WriteEndObject();
        }
        json.WriteRawValue("""{"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}""");
        json.WriteEndArray();
        json.WriteEndObject();
        json.WritePropertyName("pre_tokenizer");
        json.WriteRawValue(Metaspace);
    }

    private static void Vocabulary(Utf8JsonWriter json, SentencePieceModel model)
    {
        json.WriteStartObject("model");
        json.WriteString("type", "Unigram");
        json.WriteNumber("unk_id", 3);
        json.WriteStartArray("vocab");
        foreach (string special in (string[])["<s>", "<pad>", "</s>", "<unk>"])
        {
            Entry(special, 0);
        }
        foreach (var piece in model.Pieces.Skip(3))
        {
            Entry(piece.Text, piece.Score);
        }
        Entry("<mask>", 0);
        json.WriteEndArray();
        json.WriteBoolean("byte_fallback", model.ByteFallback);
        json.WriteEndObject();

        void Entry(string text, float score)
        {
            json.WriteStartArray();
            json.WriteStringValue(text);
            json.WriteNumberValue((double)score); // as a double: the same value, not the shortest float
            json.WriteEndArray();
        }
    }
}
