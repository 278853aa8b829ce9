// The .model route, equal to SentencePiece: the whole line is one lattice, neighbouring unknown characters are one token.
// Ids are SentencePiece's own, or XLM-RoBERTa's (fairseq order: every id one higher, unknown 3, mask behind the last).

using System.Text;

namespace BgeSharp.Text.Unigram;

/// <summary>Encoder and decoder of a SentencePiece model.</summary>
internal sealed class SentencePieceEngine : IUnigramEngine
{
    private const int XlmrUnk = 3;

    private readonly SentencePieceModel _model;
    private readonly SentencePieceNormalizer _normalizer;
    private readonly SentencePieceNormalizer? _denormalizer;
    private readonly PieceTrie _trie;
    private readonly double[] _scores;
    private readonly double _unknownScore;
    private readonly bool _userDefined;
    private readonly bool _xlmr;
    private readonly int _unk;
    private readonly int[] _bytes = new int[256];
    private readonly byte[] _originalFile;

    internal SentencePieceEngine(SentencePieceModel model, bool xlmr, string file, byte[] originalFile)
    {
        (_model, _xlmr, _originalFile) = (model, xlmr, originalFile);
        _unk = model.UnkId;
        _trie = Trie(model, p => p.Type is PieceType.Normal or PieceType.UserDefined)!;
        var userDefined = Trie(model, p => p.Type == PieceType.UserDefined);
        _userDefined = userDefined is not null;
        _normalizer = new SentencePieceNormalizer(model.Normalizer, model.WhitespaceAsSuffix, userDefined, file);
        if (!model.DenormalizerCharsMap.IsEmpty)
        {
            var spec = new NormalizerSpec { CharsMap = model.DenormalizerCharsMap, AddDummyPrefix = false, RemoveExtraWhitespaces = false, EscapeWhitespaces = false };
            _denormalizer = new SentencePieceNormalizer(spec, whitespaceAsSuffix: false, userDefined: null, file);
        }

        float lowest = float.MaxValue, highest = MinNormalFloat;
        foreach (var piece in model.Pieces)
        {
            if (piece.Type == PieceType.Normal)
            {
                (lowest, highest) = (Math.Min(lowest, piece.Score), Math.Max(highest, piece.Score));
            }
        }
        _unknownScore = Viterbi.UnknownScore<FloatRounding>(lowest);
        _scores = new double[model.Pieces.Count];
        for (int id = 0; id < _scores.Length; id++)
        {
            var piece = model.Pieces[id];
            _scores[id] = piece.Type == PieceType.UserDefined
                ? (float)Encoding.UTF8.GetByteCount(piece.Text) * highest - 0.1 // nearly the best score for each byte: such pieces win
                : piece.Score;
            if (piece.Type == PieceType.Byte)
            {
                _bytes[SentencePieceModel.ByteOf(piece.Text)] = id;
            }
        }
    }

    /// <summary>C's FLT_MIN: where SentencePiece starts looking for the highest score, a small positive number.</summary>
    private const float MinNormalFloat = 1.17549435e-38f;

    public int VocabularySize => _model.Pieces.Count + (_xlmr ? 2 : 0);

    /// <summary>The records that were read.</summary>
    internal SentencePieceModel Model => _model;

    // Outside the five only control pieces, which no text gives.
    public bool IsSpecial(int id) => false;

    public void Encode(ReadOnlySpan<char> text, Scratch scratch)
    {
        var tokens = scratch.Tokens;
        scratch.First.Reset(aligned: false);
        scratch.First.AppendOriginal(text, 0, text.Length);
        var normalized = scratch.Second;
        normalized.Reset(tokens.Detailed);
        int originalEnd = _normalizer.Normalize(scratch.First, normalized);
        if (normalized.Length == 0)
        {
            return;
        }
        var viterbi = scratch.Viterbi;
        if (_userDefined)
        {
            viterbi.Search<FloatRounding, TableScore>(normalized.Units, _trie, _scores, _unknownScore);
        }
        else
        {
            viterbi.Search<FloatRounding, TrieScore>(normalized.Units, _trie, _scores, _unknownScore);
        }
        Emit(viterbi, normalized, originalEnd, tokens);
    }

    /// <summary>Normalised text, spaces as U+2581.</summary>
    internal string Normalize(string text)
    {
        var source = new AlignedText();
        source.AppendOriginal(text, 0, text.Length);
        var target = new AlignedText();
        _normalizer.Normalize(source, target);
        return target.Units.ToString();
    }

    private void Emit(Viterbi viterbi, AlignedText text, int originalEnd, TokenBuffer tokens)
    {
        var ids = viterbi.Ids;
        var ends = viterbi.Ends;
        bool afterUnknown = false;
        int start = 0, word = -1;
        Span<byte> utf8 = stackalloc byte[4];
        for (int i = 0; i < ids.Length; start = ends[i], i++)
        {
            int id = ids[i];
            bool unknown = id == Viterbi.Unknown;
            if (!tokens.Detailed)
            {
                if (!unknown)
                {
                    tokens.Add(Outer(id));
                }
                else if (_model.ByteFallback)
                {
                    AddBytes(text.Units[start..ends[i]], utf8, tokens);
                }
                else if (!afterUnknown)
                {
                    tokens.Add(Outer(_unk));
                }
                afterUnknown = unknown;
                continue;
            }
            int from = text.Start(start);
            int to = ends[i] < text.Length ? text.Start(ends[i]) : originalEnd;
            word += i == 0 || text[start] == '\u2581' ? 1 : 0;
            if (!unknown)
            {
                tokens.Add(Outer(id), from, to, word);
            }
            else if (_model.ByteFallback)
            {
                int before = tokens.Count;
                int count = Encoding.UTF8.GetBytes(text.Units[start..ends[i]], utf8);
                for (int b = 0; b < count; b++)
                {
                    tokens.Add(Outer(_bytes[utf8[b]]), from, b == count - 1 ? to : from, word); // only the last byte has the surface
                }
            }
            else if (afterUnknown)
            {
                tokens.ExtendLast(to);
            }
            else
            {
                tokens.Add(Outer(_unk), from, to, word);
            }
            afterUnknown = unknown;
        }
    }

    private void AddBytes(ReadOnlySpan<char> character, Span<byte> utf8, TokenBuffer tokens)
    {
        int count = Encoding.UTF8.GetBytes(character, utf8);
        foreach (byte b in utf8[..count])
        {
            tokens.Add(Outer(_bytes[b]));
        }
    }

    private int Outer(int id) => !_xlmr ? id : id == _unk ? XlmrUnk : id + 1;

    private static PieceTrie? Trie(SentencePieceModel model, Func<SentencePiece, bool> wanted)
    {
        int[] ids = [.. Enumerable.Range(0, model.Pieces.Count).Where(i => wanted(model.Pieces[i]))];
        return ids.Length == 0 ? null : PieceTrieBuilder.Build([.. ids.Select(i => model.Pieces[i].Text)], ids, [.. ids.Select(i => model.Pieces[i].Score)]);
    }

    public string TokenOf(int id)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, VocabularySize);
        if (!_xlmr)
        {
            return _model.Pieces[id].Text;
        }
        return id switch
        {
            0 => "<s>",
            1 => "<pad>",
            2 => "</s>",
            3 => "<unk>",
            _ => id == VocabularySize - 1 ? "<mask>" : _model.Pieces[id - 1].Text,
        };
    }

    public string Decode(ReadOnlySpan<int> ids)
    {
        var text = new StringBuilder();
        var bytes = new List<byte>();
        bool first = true, ateSpace = false;
        foreach (int outer in ids)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(outer, nameof(ids));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(outer, VocabularySize, nameof(ids));
            int id = Inner(outer);
            var piece = id < 0 ? new SentencePiece("", 0, PieceType.Control) : _model.Pieces[id];
            if (piece.Type == PieceType.Byte)
            {
                bytes.Add((byte)SentencePieceModel.ByteOf(piece.Text));
                continue;
            }
            Flush(bytes, text);
            first &= !ateSpace && text.Length == 0;
            ateSpace = false;
            text.Append(piece.Type switch
            {
                PieceType.Control => "",
                PieceType.Unknown => _model.UnkSurface,
                _ => Surface(piece.Text, first, out ateSpace),
            });
        }
        Flush(bytes, text);
        if (_denormalizer is null)
        {
            return text.ToString();
        }
        var source = new AlignedText();
        source.AppendOriginal(text.ToString(), 0, text.Length);
        var target = new AlignedText();
        _denormalizer.Normalize(source, target);
        return target.Units.ToString();
    }

    private int Inner(int outer)
    {
        if (!_xlmr)
        {
            return outer;
        }
        return outer is 0 or 1 or 2 || outer == VocabularySize - 1 ? -1 : outer == XlmrUnk ? _unk : outer - 1;
    }

    /// <summary>A piece as text; the space at the very beginning is the dummy one and goes.</summary>
    private string Surface(string piece, bool first, out bool ateSpace)
    {
        ateSpace = false;
        var spec = _model.Normalizer;
        if (first && (spec.AddDummyPrefix || spec.RemoveExtraWhitespaces) && piece[0] == '\u2581')
        {
            piece = piece[1..];
            ateSpace = !spec.RemoveExtraWhitespaces; // otherwise every leading space goes
        }
        return piece.Replace('\u2581', ' ');
    }

    private static void Flush(List<byte> bytes, StringBuilder text)
    {
        var rest = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes);
        while (!rest.IsEmpty)
        {
            bool valid = Rune.DecodeFromUtf8(rest, out var rune, out int taken) == System.Buffers.OperationStatus.Done;
            text.Append(valid ? rune.ToString() : "\uFFFD");
            rest = rest[(valid ? taken : 1)..];
        }
        bytes.Clear();
    }

    public void Save(string folder)
    {
        FileSystem.Current.CreateFolder(folder);
        FileBytes.Write(Path.Combine(folder, "sentencepiece.bpe.model"), _originalFile);
        if (_xlmr)
        {
            FileBytes.Write(Path.Combine(folder, "tokenizer_config.json"), "{\"tokenizer_class\": \"XLMRobertaTokenizer\"}\n"u8);
        }
    }
}
