using System.Diagnostics;
using FsCheck;
using FsCheck.Fluent;
using Newtonsoft.Json.Linq;
using PonyCloud.Database.Tests.Rules;

namespace PonyCloud.Database.Tests;

/// <summary>Whatever a template holds that the schema took: an instance is made from it that has just that, and what the request lays over it.</summary>
[TestFixture]
public sealed class TemplateProperties
{
    private const string Instances = "/api/v1/tenant/@d1/instance";
    private const int Many = 24;

    private static readonly string World = """
        INSERT INTO tenant (uuid, name, approved) VALUES (u('d1'), 'own', true);
        INSERT INTO storage_pool (uuid, name, type, config) VALUES (u('c1'), 'fast', 'dir', '{"path": "/srv"}');
        INSERT INTO quota (tenant, type, "limit", storage_pool) VALUES (u('d1'), 'storage', 1000000000, u('c1'));
        INSERT INTO image (uuid, tenant, name) VALUES (u('a1'), NULL, 'debian'), (u('a2'), u('d1'), 'own');
        INSERT INTO switch (uuid, tenant, name) VALUES (u('f1'), u('d1'), 'own'), (u('f3'), NULL, 'shared');
        INSERT INTO network (uuid, switch, range) VALUES (u('11'), u('f1'), '10.0.0.0/8');
        INSERT INTO security_group (uuid, tenant, name) VALUES (u('51'), u('d1'), 'one'), (u('52'), u('d1'), 'two');
        """.Uuids();

    private ApiOnPostgres _api = null!;
    private int _number;

    [OneTimeSetUp]
    public async Task StartAsync() => _api = await ApiOnPostgres.StartAsync(World);

    [OneTimeTearDown]
    public async Task StopAsync() => await _api.DisposeAsync();

    [Test]
    public void Any_template_becomes_an_instance() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(40),
        Prop.ForAll(Arb.From(Any), sample => Task.Run(() => MakeAsync(sample)).GetAwaiter().GetResult()));

    [Test]
    public async Task Many_at_once_from_one_template_have_nothing_in_common()
    {
        var sample = new Sample("", [new Disk(true, "a1", 10, ""), new Disk(true, null, 10, "")], [new Card("f1", 2, ["51"], "")], 9, 1, false);
        var template = (string)(await RequestAsync("POST", Instances, sample.Template("busy"), 201))["uuids"]!["POST"]!;
        var watch = Stopwatch.StartNew();
        var made = await Task.WhenAll(Enumerable.Range(0, Many).Select(number => RequestAsync("POST", Instances, sample.Request((template, $"busy{number}")), 201)));
        await TestContext.Out.WriteLineAsync($"{Many} instances at once, of {made[0]["uuids"]!.Count()} rows each: {watch.ElapsedMilliseconds} ms");

        var uuids = made.SelectMany(answer => ((JObject)answer["uuids"]!).Properties()).Select(named => (string?)named.Value).ToList();
        Assert.That(uuids, Is.Unique);
        var addresses = new List<string?>();
        foreach (var answer in made)
        {
            var card = $"{Instances}/{answer["uuids"]!["POST"]}/vnic/{answer["uuids"]!["POST/vnic/0"]}";
            addresses.AddRange((await ListAsync($"{card}/address")).Select(address => (string?)address["ip"]));
        }
        Assert.That(addresses, Has.Count.EqualTo(Many * 2).And.Unique);
    }

    private static Gen<Sample> Any =>
        from fields in Gen.Elements("", ",'vcpu':4,'rcpu':2", ",'boot':'network','ns':['192.0.2.1']", ",'user_data':'#!/bin/sh','ssh_keys':['ssh-ed25519 A']")
        from disks in Some(5, AnyDisk)
        from cards in Some(3, AnyCard)
        from over in Gen.Choose(0, 4)
        from more in Gen.Choose(0, 2)
        from isPublic in Gen.Elements(true, false)
        select new Sample(fields, disks, cards, over, more, isPublic && disks.All(disk => disk.Image != "a2") && cards.All(card => card is { Switch: "f3", Groups.Length: 0 }));

    private static Gen<Disk> AnyDisk =>
        from isMade in Gen.Elements(true, true, false)
        from image in isMade ? Gen.Elements<string?>(null, "a1", "a2") : Gen.Elements<string?>("a1", "a2")
        from size in Gen.Choose(1, 1000)
        from rest in Gen.Elements("", ",'bus':'scsi'", ",'cache':'writeback','iops_max':7,'bandwidth_max':9")
        select new Disk(isMade, image, size, rest);

    private static Gen<Card> AnyCard =>
        from plugged in Gen.Elements("f1", "f3")
        from addresses in Gen.Choose(0, 2)
        from groups in Gen.SubListOf("51", "52")
        from rest in Gen.Elements("", ",'model':'rtl8139','link':'down'", ",'bandwidth_in_mbit':5")
        select new Card(plugged, plugged == "f1" ? addresses : 0, [.. groups], rest);

    private async Task MakeAsync(Sample sample)
    {
        _number++;
        var template = await RequestAsync("POST", sample.IsPublic ? "/api/v1/instance" : Instances, sample.Template($"t{_number}"), 201);
        var from = ((string)template["uuids"]!["POST"]!, $"i{_number}");
        var made = await RequestAsync("POST", Instances, sample.Request(from), 201);
        var instance = $"{Instances}/{made["uuids"]!["POST"]}";

        var disks = await ListAsync($"{instance}/vdisk");
        var volumes = (await RequestAsync("GET", "/api/v1/tenant/@d1/volume", null, 200)).Properties()
            .ToDictionary(row => row.Name, row => (JObject)row.Value["desired"]!);
        var cards = await ListAsync($"{instance}/vnic");
        Assert.That(disks.Select(disk => (int)disk["index"]!), Is.EquivalentTo(Enumerable.Range(0, sample.Disks.Length + sample.More)));
        foreach (var (disk, index) in sample.Disks.Select((disk, index) => (disk, index)))
        {
            var shown = disks.Single(row => (int)row["index"]! == index);
            if (!disk.IsMade)
            {
                Assert.That((string?)shown["image"], Is.EqualTo($"@{disk.Image}".UuidsInRequest()));
                continue;
            }
            var volume = volumes[(string)shown["volume"]!];
            Assert.That(((string?)volume["name"], (long)volume["size"]!, (string?)volume["base_image"]),
                Is.EqualTo(($"{from.Item2}-{index}", index == sample.Over ? 2000L : disk.Size, disk.Image is null ? null : $"@{disk.Image}".UuidsInRequest())));
        }
        Assert.That(volumes.Values.Count(volume => ((string)volume["name"]!).StartsWith($"{from.Item2}-", StringComparison.Ordinal)),
            Is.EqualTo(sample.Disks.Count(disk => disk.IsMade)));
        Assert.That(cards, Has.Length.EqualTo(sample.Cards.Length));
        foreach (var (card, index) in sample.Cards.Select((card, index) => (card, index)))
        {
            var uuid = (string)made["uuids"]![$"POST/vnic/{index}"]!;
            Assert.That(await ListAsync($"{instance}/vnic/{uuid}/address"), Has.Length.EqualTo(card.Addresses));
            Assert.That((await ListAsync($"{instance}/vnic/{uuid}/security-group")).Select(row => (string?)row["security_group"]),
                Is.EquivalentTo(card.Groups.Select(group => $"@{group}".UuidsInRequest())));
        }
    }

    private async Task<JObject[]> ListAsync(string path) =>
        [.. (await RequestAsync("GET", path, null, 200)).Properties().Select(row => (JObject)row.Value["desired"]!)];

    private async Task<JObject> RequestAsync(string method, string path, string? body, int status)
    {
        var answer = await _api.SendAsync(method, path.UuidsInRequest(), body?.Replace('\'', '"').UuidsInRequest());
        Assert.That(answer.Status, Is.EqualTo(status), $"{method} {path} {body}\n{answer.Json}");
        return answer.Json;
    }

    private static Gen<T[]> Some<T>(int most, Gen<T> each) =>
        from count in Gen.Choose(0, most)
        from items in Gen.ArrayOf(each, count)
        select items;

    /// <param name="IsMade">A volume is made for it; otherwise it is the image.</param>
    public sealed record Disk(bool IsMade, string? Image, int Size, string Rest)
    {
        public string Json => IsMade
            ? $"{{'storage_pool':'@c1','size':{Size}{(Image is null ? "" : $",'base_image':'@{Image}'")}{Rest}}}"
            : $"{{'image':'@{Image}'{Rest}}}";
    }

    public sealed record Card(string Switch, int Addresses, string[] Groups, string Rest)
    {
        public string Json(int number)
        {
            var addresses = Enumerable.Range(0, Addresses).Select(one => $"'$a{number}-{one}':{{'desired':{{'network':'@11'}}}}");
            var groups = Groups.Select(group => $"'$g{number}-{group}':{{'desired':{{'security_group':'@{group}'}}}}");
            var children = Addresses + Groups.Length == 0
                ? ""
                : $",'children':{{'address':{{{string.Join(',', addresses)}}},'security-group':{{{string.Join(',', groups)}}}}}";
            return $"{{'desired':{{'switch':'@{Switch}','index':{number}{Rest}}}{children}}}";
        }
    }

    /// <param name="Over">The index of the disk whose size the request says.</param>
    /// <param name="More">CD-ROMs that the request has in addition.</param>
    public sealed record Sample(string Fields, Disk[] Disks, Card[] Cards, int Over, int More, bool IsPublic)
    {
        public string Template(string name)
        {
            var disks = Disks.Select((disk, index) => $"'$d{index}':{{'desired':{disk.Json[..^1]},'index':{index}}}}}");
            var cards = Cards.Select((card, index) => $"'$c{index}':{card.Json(index)}");
            return $"{{'desired':{{'name':'{name}','template':true,'mem':64{Fields}}},'children':{{'vdisk':{{{string.Join(',', disks)}}},'vnic':{{{string.Join(',', cards)}}}}}}}";
        }

        public string Request((string Template, string Name) from)
        {
            var over = Over < Disks.Length && Disks[Over].IsMade ? [$"'$over':{{'desired':{{'index':{Over},'size':2000}}}}"] : Array.Empty<string>();
            var more = Enumerable.Range(0, More).Select(one => $"'$m{one}':{{'desired':{{'image':'@a1'}}}}");
            return $"{{'template':'{from.Template}','desired':{{'name':'{from.Name}'}},'children':{{'vdisk':{{{string.Join(',', [.. over, .. more])}}}}}}}";
        }
    }
}
