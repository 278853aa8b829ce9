// bge serve: a model over HTTP. The corpus, when there is one, is encoded before the server starts; the first Ctrl-C lets requests in work end.

using System.CommandLine;
using System.Globalization;
using BgeSharp.Cli.Terminals;
using BgeSharp.Embeddings;
using BgeSharp.Formats.Collections;
using BgeSharp.Server;
using BgeSharp.Training.Modeling;

namespace BgeSharp.Cli.Commands;

/// <summary>"bge serve".</summary>
internal static class ServeCommand
{
    private static readonly ServerOptions Defaults = new();

    /// <summary>The command.</summary>
    public static Command Create(Terminal terminal)
    {
        var model = new Option<string>("--model") { Description = "Model folder.", HelpName = "DIR", Required = true };
        var name = new Option<string>("--name") { Description = "Name in answers; by default the folder's.", HelpName = "NAME" };
        var corpus = new Option<string>("--corpus") { Description = "JSONL with \"_id\", \"title\" and \"text\", .gz allowed: what POST /search searches.", HelpName = "FILE" };
        var host = new Option<string>("--host") { Description = "Address to listen on. 127.0.0.1: this machine alone; 0.0.0.0: all networks, and there is no password.", DefaultValueFactory = _ => Defaults.Host, HelpName = "IP" };
        Option<int> port = Number("--port", "Port; 0 for any free one.", Defaults.Port);
        Option<int> length = Number("--max-length", "Longest text in tokens; 0 for the model's own limits.", 0);
        var truncate = new Option<bool>("--truncate") { Description = "Cut texts that are too long; without it they are refused unless a request asks for it." };
        Option<int> texts = Number("--max-texts", "Texts of one request.", Defaults.MaxTexts);
        Option<int> requests = Number("--max-requests", "Requests in work at one time; the next one gets status 429.", Defaults.MaxRequests);
        Option<int> batch = Number("--batch-tokens", "Tokens of one batch, padding included.", Defaults.BatchTokens);
        var dimensions = new DimensionsOption();
        var machine = new MachineOptions();
        var command = new Command("serve", "Serve a model over HTTP: embeddings and search.") { model, name, corpus, host, port, length, truncate, texts, requests, batch };
        dimensions.AddTo(command);
        machine.AddTo(command);
        command.SetAction(async (line, cancellation) =>
        {
            var options = new ServerOptions
            {
                Host = line.GetValue(host)!,
                Port = line.GetValue(port),
                MaxTexts = line.GetValue(texts),
                MaxRequests = line.GetValue(requests),
                BatchTokens = line.GetValue(batch),
                Truncate = line.GetValue(truncate),
            };
            options.Validate();
            dimensions.Of(line);
            List<Passage>? passages = line.GetValue(corpus) is string file ? ReadCorpus(file) : null;
            using TextModel loaded = TextModel.Load(line.GetValue(model)!, machine.Start(line));
            ServedModel served = Served(loaded, dimensions.Cut(line, loaded.Encoder, loaded.Card, terminal), line.GetValue(name), line.GetValue(length));
            SearchCorpus? searched = null;
            if (passages is not null)
            {
                terminal.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"encoding {passages.Count} passages"));
                using WorkProgress progress = terminal.Watch(cancellation);
                searched = SearchCorpus.Build(served, passages, done => progress.Reach(done, passages.Count, "passages encoded"), cancellation);
            }
            EmbeddingServer server = await EmbeddingServer.StartAsync(served, options, searched, fault => terminal.Error.WriteLine($"a request failed: {fault}"), cancellation);
            await using (server)
            {
                terminal.Output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{served.Name} at {server.Address} ({served.Encoder.Dimension} numbers a vector, texts up to {served.Passage.MaxLength} tokens); Ctrl-C stops it."));
                await Task.Delay(Timeout.Infinite, cancellation).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
                terminal.Error.WriteLine("stopping: requests in work are finished first; Ctrl-C once more ends at once.");
            }
            return ExitCode.Done;
        });
        return command;
    }

    private static Option<int> Number(string name, string description, int value) => new(name) { Description = description, DefaultValueFactory = _ => value, HelpName = "N" };

    private static List<Passage> ReadCorpus(string file)
    {
        List<Passage> passages = BeirFolder.ReadCorpus(file);
        return passages.Count > 0 ? passages : throw new BadInput($"{file}: the corpus is empty; lines like {{\"_id\": \"1\", \"title\": \"...\", \"text\": \"...\"}} are needed.");
    }

    private static ServedModel Served(TextModel model, IEncoder encoder, string? name, int maxLength)
    {
        if (maxLength != 0 && (maxLength < 3 || maxLength > model.Config.MaxLength))
        {
            throw new BadInput($"--max-length {maxLength}: 0 (the model's own limits) or a number from 3 to {model.Config.MaxLength} is needed.");
        }
        return new ServedModel
        {
            Name = name ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(model.Folder))),
            Encoder = encoder,
            Tokenizer = model.Tokenizer,
            Pooling = model.Card.Pooling,
            Passage = new Prompt(model.Card.PassageInstruction, maxLength > 0 ? maxLength : model.PassageMaxLength),
            Query = new Prompt(model.Card.QueryInstruction, maxLength > 0 ? maxLength : model.QueryMaxLength),
        };
    }
}
