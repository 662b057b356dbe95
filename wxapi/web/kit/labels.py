"""What fields are called where a sentence about one stands away from it."""

import re
from typing import Any

from wxapi.platform.sentences import UNKNOWN_FIELD

NO_CHOICE = "选项无效，请重新选择。"
_LETTERS = re.compile("[A-Za-z_]")
# What stands behind an address's question mark, as the pages call it.
FILTERS = {
    "accuracy": "定位精度",
    "action": "操作",
    "actor": "操作人",
    "card": "督办牌",
    "category": "类别",
    "class": "大类",
    "coord_type": "坐标系",
    "cursor": "页码",
    "decided": "处理状态",
    "from": "起始日期",
    "group_by": "分组方式",
    "late_upload": "离线补传",
    "latitude": "纬度",
    "level": "层级",
    "limit": "每页条数",
    "longitude": "经度",
    "measure": "指标",
    "missing": "未到",
    "overdue": "超期",
    "pending": "审批状态",
    "q": "检索词",
    "region": "区域",
    "region_code": "区域",
    "scope": "范围",
    "session": "培训场次",
    "sort": "排序",
    "stage": "环节",
    "state": "状态",
    "subject": "对象",
    "tab": "栏目",
    "to": "截止日期",
    "type": "事项类型",
    "unit": "单位",
    "walk_in": "未报名到场",
    "wall": "大屏显示",
    "when": "现任或将任",
}
# What forms send, where it is called otherwise than behind a question mark.
FIELDS = FILTERS | {
    "address": "详细位置",
    "category_code": "问题类别",
    "days": "延期工作日数",
    "decision": "意见",
    "description": "问题描述",
    "desk_code": "转给",
    "ends_on": "截止日期",
    "file": "文件",
    "into": "并入的编号",
    "invitation": "邀请码",
    "location": "地点",
    "name": "姓名",
    "nickname": "昵称",
    "note": "说明",
    "on": "日期",
    "person_ids": "人员",
    "phone": "手机号",
    "photo_ids": "照片",
    "pick": "勾选的项目",
    "place": "地点",
    "post": "职务",
    "rating": "评分",
    "reason": "理由",
    "reason_code": "原因",
    "review_on": "复核日期",
    "role": "角色",
    "starts_on": "起始日期",
    "title": "名称",
    "unit_code": "单位",
    "user_id": "人员",
    "user_ids": "人员",
    "version": "页面版本",
}


def labelled(name: str, sentence: str) -> str:
    """The sentence with its field's name in front, unless it says itself what to do."""
    label = FIELDS.get(name.partition(".")[0])
    return sentence if label is None or sentence.startswith("请") else f"{label}：{sentence}"


def for_people(sentences: Any) -> list[str]:
    """What is wrong with a field, for somebody who chose a word and typed no code: to programs the codes are listed."""
    said = [str(each) for each in sentences] if isinstance(sentences, list) else []
    return [_told(each) for each in said] or [NO_CHOICE]


def _told(sentence: str) -> str:
    if sentence == UNKNOWN_FIELD:
        return "本页没有这个条件。"
    return NO_CHOICE if _LETTERS.search(sentence) else sentence
